/// What clocks cost to read, and how far published time is from the kernel's clock that it follows.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>

#include "base/time.hpp"
#include "clock/discipline.hpp"

namespace valinor::measure {

/// Nanoseconds of one reading, each right behind the other.
struct ClockCosts {
  double tsc_ns = 0;     // the tick counter
  double kernel_ns = 0;  // clock_gettime(2) of the clock
  double host_ns = 0;    // the tick counter, turned into published time: what a packet pays
};

[[nodiscard]] ClockCosts measure_costs(clock::ClockName name, const clock::Timebase& timebase);

/// Published time beside the clock, looked at again and again, between two readings of the TSC.
/// Only narrow looks count for `deviation`: the clock was read somewhere within.
struct ClockDeviation {
  Nanos deviation{};         // the largest, either way
  Nanos look{};              // the width of the widest look that counted: it is not known better
  Nanos bound{};             // the largest that was stated meanwhile
  std::uint64_t looks = 0;   // that counted
  std::uint64_t misses = 0;  // of all: the clock was certainly outside of the bound
};

/// Adjusts `discipline` as a run does. `stopped` ends it early.
[[nodiscard]] ClockDeviation watch_clock(clock::Discipline& discipline, clock::ClockName name,
                                         std::chrono::nanoseconds duration,
                                         const std::function<bool()>& stopped);

}  // namespace valinor::measure
