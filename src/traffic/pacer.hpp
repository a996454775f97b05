/// Holds a rate: says how many packets are due.
#pragma once

#include <algorithm>
#include <cstdint>

#include "base/time.hpp"

namespace valinor::traffic {

/// A token bucket that counts from its start, so that rounding never adds up. One thread.
class Pacer {
 public:
  /// `packets_per_second` 0: as many as the caller can send.
  Pacer(std::uint64_t packets_per_second, Nanos start) noexcept
      : rate_{packets_per_second}, start_{start} {}

  /// How many packets may go out now, at most `limit`. What a stall held back is made up for.
  [[nodiscard]] std::uint64_t due(Nanos now, std::uint64_t limit) const noexcept {
    if (rate_ == 0) return limit;
    const auto elapsed =
        static_cast<std::uint64_t>(std::max((now - start_).count(), std::int64_t{0}));
    const std::uint64_t seconds = elapsed / kNanosPerSecond;
    const std::uint64_t rest = elapsed % kNanosPerSecond;
    const std::uint64_t earned = seconds * rate_ + rest * rate_ / kNanosPerSecond;
    return earned > sent_ ? std::min(earned - sent_, limit) : 0;
  }

  void sent(std::uint64_t packets) noexcept { sent_ += packets; }

 private:
  static constexpr std::uint64_t kNanosPerSecond = 1'000'000'000;
  std::uint64_t rate_;
  Nanos start_;
  std::uint64_t sent_ = 0;
};

}  // namespace valinor::traffic
