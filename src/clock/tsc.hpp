/// The CPU's tick counter: the cheapest clock there is (13 ns where clock_gettime takes 21 to 30),
/// in a unit and with an epoch that only clock/timebase.hpp can turn into time.
#pragma once

#include <time.h>

#include <cstdint>

#include "base/units.hpp"

namespace valinor::clock {

/// A reading of the tick counter. On machines without one, nanoseconds of CLOCK_MONOTONIC_RAW.
using TscTicks = Strong<struct TscTicksTag, std::uint64_t>;

/// Ticks from `earlier` to `later`; negative where they are the other way round.
[[nodiscard]] constexpr std::int64_t ticks_between(TscTicks earlier, TscTicks later) noexcept {
  return static_cast<std::int64_t>(later.value() - earlier.value());
}

/// The counter now, for stamping packets. Plain rdtsc: rdtscp waits for every earlier load to
/// finish, which doubles the cost (24 ns), to gain an order that a stamp "when we read the ring"
/// does not need. The CPU may take it early by as long as an earlier load is under way, at most
/// a cache miss (about 100 ns).
[[nodiscard]] inline TscTicks read_tsc() noexcept {
#if defined(__x86_64__)
  return TscTicks{__builtin_ia32_rdtsc()};
#elif defined(__aarch64__)
  std::uint64_t ticks = 0;
  asm volatile("mrs %0, cntvct_el0" : "=r"(ticks));
  return TscTicks{ticks};
#else
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC_RAW, &now);
  return TscTicks{static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000u +
                  static_cast<std::uint64_t>(now.tv_nsec)};
#endif
}

/// The counter, read neither before what stands above nor after what stands below. For bracketing
/// another clock, where a read that drifts out of place would make the bracket a lie.
[[nodiscard]] inline TscTicks read_tsc_in_order() noexcept {
#if defined(__x86_64__)
  __builtin_ia32_lfence();
  const TscTicks ticks = read_tsc();
  __builtin_ia32_lfence();
  return ticks;
#elif defined(__aarch64__)
  asm volatile("isb" ::: "memory");
  const TscTicks ticks = read_tsc();
  asm volatile("isb" ::: "memory");
  return ticks;
#else
  return read_tsc();
#endif
}

/// True if the counter runs at one rate in every power state and the kernel has not found the CPUs'
/// counters to disagree. Times are worth their stated bound only then. Reads sysfs.
[[nodiscard]] bool tsc_is_invariant();

}  // namespace valinor::clock
