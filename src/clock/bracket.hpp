/// One look at a kernel clock, between two reads of the tick counter.
///
///   ticks  ----before---------------------after---->
///   clock  -----------------time------------------->
///
/// All that is known is that the clock showed `time` at some tick from `before` to `after`. So a
/// read that was preempted is wide, and true all the same.
#pragma once

#include <time.h>

#include <functional>

#include "base/time.hpp"
#include "clock/config.hpp"
#include "clock/tsc.hpp"

namespace valinor::clock {

struct Bracket {
  TscTicks before;
  HostTime time;
  TscTicks after;
};

[[nodiscard]] Bracket bracket(ClockName name) noexcept;

/// The kernel's name of the clock, for clock_gettime(2).
[[nodiscard]] clockid_t to_id(ClockName name) noexcept;

/// Where Discipline gets its brackets. Called at set-up and a few times a second, never per packet.
using TakeBracket = std::function<Bracket()>;

}  // namespace valinor::clock
