#include "pipeline/residence.hpp"

namespace valinor::pipeline {
namespace {

/// Beyond this, and below 0, it is a clock that is wrong, not a packet that is slow.
constexpr Nanos kLongest = std::chrono::minutes{1};

}  // namespace

void Residence::add(Nanos time) noexcept {
  if (time < Nanos{0} || time > kLongest) {
    implausible_.add(1);
    return;
  }
  packets_.add(1);
  nanos_.add(static_cast<std::uint64_t>(time.count()));
  // Relaxed: each publishes nothing but itself.
  if (time.count() < shortest_.load(std::memory_order_relaxed)) {
    shortest_.store(time.count(), std::memory_order_relaxed);
  }
  if (time.count() > longest_.load(std::memory_order_relaxed)) {
    longest_.store(time.count(), std::memory_order_relaxed);
  }
}

ResidenceSummary Residence::summary() const noexcept {
  ResidenceSummary summary{.packets = packets_.value(),
                           .unanswered = unanswered_.value(),
                           .implausible = implausible_.value()};
  if (summary.packets == 0) return summary;
  summary.shortest = Nanos{shortest_.load(std::memory_order_relaxed)};
  summary.longest = Nanos{longest_.load(std::memory_order_relaxed)};
  summary.mean = Nanos{static_cast<std::int64_t>(nanos_.value() / summary.packets)};
  return summary;
}

}  // namespace valinor::pipeline
