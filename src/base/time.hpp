/// Points in time, one type for each clock. Subtracting the times of two clocks is the classic
/// mistake of network measurement, so it does not compile; clock/ is the only bridge.
#pragma once

#include <chrono>
#include <compare>
#include <ctime>

namespace valinor {

using Nanos = std::chrono::nanoseconds;

/// For ppoll(2) and the like.
[[nodiscard]] inline timespec to_timespec(Nanos length) noexcept {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(length);
  return {.tv_sec = seconds.count(), .tv_nsec = (length - seconds).count()};
}

/// A reading of one clock.
template <class Clock>
struct Instant {
  Nanos since_epoch{};  // the epoch is the clock's own

  friend constexpr auto operator<=>(Instant, Instant) noexcept = default;
  friend constexpr Nanos operator-(Instant later, Instant earlier) noexcept {
    return later.since_epoch - earlier.since_epoch;
  }
  friend constexpr Instant operator+(Instant instant, Nanos step) noexcept {
    return {instant.since_epoch + step};
  }
};

using HostTime = Instant<struct HostClock>;  // the configured clock: tai, realtime or monotonic
using NicTime = Instant<struct NicClock>;    // of one NIC's hardware clock (PHC); epoch its own
using MonotonicTime = Instant<struct MonotonicClock>;  // CLOCK_MONOTONIC, as BPF programs read it
using SwitchTime = Instant<struct SwitchClock>;  // a switch's own; epoch and offset are unknown

}  // namespace valinor
