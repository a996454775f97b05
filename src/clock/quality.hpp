/// What a report says about the clock behind its times.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/time.hpp"
#include "clock/config.hpp"

namespace valinor::clock {

struct ClockQuality {
  ClockName name = ClockName::tai;
  double ticks_per_second = 0;
  double frequency_uncertainty_ppm = 0;
  Nanos bound_now{};                // published time is at most this far from the clock
  Nanos worst_bound{};              // the largest bound that was in force when adjust() looked
  Nanos last_residual{};            // clock - published time, at the last adjustment
  Nanos worst_residual{};           // the largest of these, either way; steps not included
  Nanos last_step{};                // 0: there was none
  std::uint64_t steps = 0;          // times the clock was found to have been set
  std::uint64_t bound_misses = 0;   // times it was found outside the bound, though not stepped
  std::uint64_t wide_brackets = 0;  // adjustments left out because every look was disturbed
  std::optional<int> tai_offset_s;  // kernel's TAI - UTC; 0: unset, so tai equals realtime
  bool tsc_invariant = false;
};

/// The kernel's TAI - UTC in seconds (adjtimex(2)); 0 where nobody has set it. Nothing where the
/// kernel does not answer.
[[nodiscard]] std::optional<int> read_tai_offset() noexcept;

/// One line: "tai (TAI offset unset, equals realtime) by TSC at 2300.012 MHz +/- 1.0 ppm, ...".
[[nodiscard]] std::string to_text(const ClockQuality& quality);

}  // namespace valinor::clock
