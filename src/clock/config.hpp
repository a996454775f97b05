/// Which clock published times are in.
#pragma once

#include <cstdint>

namespace valinor::clock {

enum class ClockName : std::uint8_t {
  tai,        // CLOCK_TAI: no leap seconds; equals realtime where the host's TAI offset is unset
  realtime,   // CLOCK_REALTIME
  monotonic,  // CLOCK_MONOTONIC: since boot
};

}  // namespace valinor::clock
