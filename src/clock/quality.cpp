#include "clock/quality.hpp"

#include <fmt/format.h>
#include <sys/timex.h>

namespace valinor::clock {
namespace {

std::string describe_tai_offset(std::optional<int> offset) {
  if (!offset) return " (TAI offset unknown)";
  if (*offset == 0) return " (TAI offset unset, equals realtime)";
  return fmt::format(" (UTC {:+} s)", *offset);
}

}  // namespace

std::optional<int> read_tai_offset() noexcept {
  timex request{};  // modes = 0: read only, needs no privilege
  if (::adjtimex(&request) < 0) return std::nullopt;
  return request.tai;
}

std::string to_text(const ClockQuality& quality) {
  std::string text{to_name(quality.name)};
  if (quality.name == ClockName::tai) text += describe_tai_offset(quality.tai_offset_s);
  text += fmt::format(
      " by {} TSC at {:.3f} MHz +/- {:.1f} ppm; within {} ns now, {} ns at worst; "
      "residual {} ns, worst {} ns",
      quality.tsc_invariant ? "invariant" : "VARIANT", quality.ticks_per_second / 1e6,
      quality.frequency_uncertainty_ppm, quality.bound_now.count(), quality.worst_bound.count(),
      quality.last_residual.count(), quality.worst_residual.count());
  if (quality.steps > 0) {
    text +=
        fmt::format("; stepped {} times, last by {} ns", quality.steps, quality.last_step.count());
  }
  if (quality.bound_misses > 0) {
    text += fmt::format("; found outside its bound {} times", quality.bound_misses);
  }
  return text;
}

}  // namespace valinor::clock
