/// Which clock published times are in.
#pragma once

#include <cstdint>
#include <string_view>

namespace valinor::clock {

enum class ClockName : std::uint8_t {
  tai,        // CLOCK_TAI: no leap seconds; equals realtime where the host's TAI offset is unset
  realtime,   // CLOCK_REALTIME
  monotonic,  // CLOCK_MONOTONIC: since boot
};

/// The name as configuration and reports write it: "tai".
[[nodiscard]] constexpr std::string_view to_name(ClockName name) noexcept {
  switch (name) {
    case ClockName::tai: return "tai";
    case ClockName::realtime: return "realtime";
    case ClockName::monotonic: break;
  }
  return "monotonic";
}

}  // namespace valinor::clock
