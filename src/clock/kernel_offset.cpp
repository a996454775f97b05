#include "clock/kernel_offset.hpp"

#include <time.h>

#include "clock/bracket.hpp"

namespace valinor::clock {
namespace {

/// Looks at set-up, the narrowest of which is kept: one alone may have been preempted.
constexpr int kFirstLooks = 32;

Nanos read(ClockName name) {
  timespec now{};
  ::clock_gettime(to_id(name), &now);  // cannot fail: all of them exist since Linux 3.10
  return std::chrono::seconds{now.tv_sec} + Nanos{now.tv_nsec};
}

}  // namespace

KernelOffset::KernelOffset(ClockName from, ClockName to) : from_{from}, to_{to}, kept_{look()} {
  for (int i = 1; i < kFirstLooks; ++i) {
    const Look next = look();
    if (next.half_width < kept_.half_width) kept_ = next;
  }
}

Nanos KernelOffset::operator()() {
  if (from_ == to_) return Nanos{0};
  const Look now = look();
  const Nanos change = std::chrono::abs(now.offset - kept_.offset);
  // Both can be true as long as their ranges touch.
  if (change > now.half_width + kept_.half_width || now.half_width < kept_.half_width) kept_ = now;
  return kept_.offset;
}

KernelOffset::Look KernelOffset::look() const {
  if (from_ == to_) return {};
  const Nanos before = read(from_);
  const Nanos there = read(to_);
  const Nanos after = read(from_);
  const Nanos half_width = (after - before) / 2;
  const Nanos offset = there - before - half_width;
  const bool whole_seconds = from_ != ClockName::monotonic && to_ != ClockName::monotonic;
  if (whole_seconds && half_width < std::chrono::milliseconds{100}) {
    return {std::chrono::round<std::chrono::seconds>(offset), Nanos{0}};
  }
  // One more for what the halves and the clocks' own nanoseconds round away.
  return {offset, half_width + Nanos{1}};
}

}  // namespace valinor::clock
