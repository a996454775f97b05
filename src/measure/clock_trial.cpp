#include "measure/clock_trial.hpp"

#include <time.h>

#include <algorithm>
#include <limits>

#include "clock/bracket.hpp"
#include "clock/timebase.hpp"
#include "clock/tsc.hpp"

namespace valinor::measure {
namespace {

using Steady = std::chrono::steady_clock;

/// Readings of each kind: some milliseconds, so that an interrupt hardly counts.
constexpr int kReadings = 200'000;

/// How often published time is adjusted, as in a run.
constexpr std::chrono::milliseconds kAdjust{200};

/// Looks from which the narrowest is known, and between two looks at the time.
constexpr int kFirstLooks = 1000;
constexpr int kLooksAtATime = 64;

/// Looks that are wider than so many times the narrowest were disturbed.
constexpr std::int64_t kWidest = 2;

template <class Read>
double time_of(Read&& read) {
  const auto begin = Steady::now();
  for (int n = 0; n < kReadings; ++n) {
    auto value = read();
    asm volatile("" : : "r"(&value) : "memory");  // it is wanted
  }
  return std::chrono::duration<double, std::nano>(Steady::now() - begin).count() / kReadings;
}

std::int64_t width_of(const clock::Bracket& look) noexcept {
  return clock::ticks_between(look.before, look.after);
}

Nanos magnitude_of(Nanos time) noexcept { return time < Nanos{0} ? -time : time; }

}  // namespace

ClockCosts measure_costs(clock::ClockName name, const clock::Timebase& timebase) {
  const clockid_t id = clock::to_id(name);
  return {.tsc_ns = time_of([] { return clock::read_tsc(); }),
          .kernel_ns = time_of([id] {
            timespec now{};
            ::clock_gettime(id, &now);
            return now;
          }),
          .host_ns = time_of([&] { return timebase.to_host(clock::read_tsc()); })};
}

ClockDeviation watch_clock(clock::Discipline& discipline, clock::ClockName name,
                           std::chrono::nanoseconds duration,
                           const std::function<bool()>& stopped) {
  std::int64_t narrowest = std::numeric_limits<std::int64_t>::max();
  for (int n = 0; n < kFirstLooks; ++n) {
    narrowest = std::min(narrowest, width_of(clock::bracket(name)));
  }
  ClockDeviation seen;
  const auto end = Steady::now() + duration;
  auto adjusted = Steady::now() - kAdjust;
  for (auto now = Steady::now(); now < end && !stopped(); now = Steady::now()) {
    if (now - adjusted >= kAdjust) {
      discipline.adjust();
      adjusted = now;
    }
    const clock::Timebase timebase = discipline.published().load();
    for (int n = 0; n < kLooksAtATime; ++n) {
      const clock::Bracket look = clock::bracket(name);
      const HostTime before = timebase.to_host(look.before);
      const HostTime after = timebase.to_host(look.after);
      const Nanos bound = timebase.error_bound(look.after);
      seen.bound = std::max(seen.bound, bound);
      if (look.time + bound < before || after + bound < look.time) ++seen.misses;
      if (width_of(look) > kWidest * narrowest) continue;
      ++seen.looks;
      seen.look = std::max(seen.look, after - before);
      const HostTime middle = before + (after - before) / 2;
      seen.deviation = std::max(seen.deviation, magnitude_of(look.time - middle));
    }
  }
  return seen;
}

}  // namespace valinor::measure
