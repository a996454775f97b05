#include "clock/bracket.hpp"

namespace valinor::clock {

clockid_t to_id(ClockName name) noexcept {
  switch (name) {
    case ClockName::tai: return CLOCK_TAI;
    case ClockName::realtime: return CLOCK_REALTIME;
    case ClockName::monotonic: break;
  }
  return CLOCK_MONOTONIC;
}

Bracket bracket(ClockName name) noexcept {
  const clockid_t id = to_id(name);
  timespec now{};
  const TscTicks before = read_tsc_in_order();
  ::clock_gettime(id, &now);  // cannot fail: each of the three exists since Linux 3.10
  const TscTicks after = read_tsc_in_order();
  return {before, {std::chrono::seconds{now.tv_sec} + Nanos{now.tv_nsec}}, after};
}

}  // namespace valinor::clock
