/// Keeps published time on a kernel clock.
///
///   kernel clock --bracket--> Discipline::adjust() --store()--> SharedTimebase --> workers
///                             main thread, every 100 to 250 ms
///
/// What the bound says: published time differs from the clock by at most
///
///   half the bracket + residual + (frequency uncertainty + slew) x time since the adjustment
///
/// What it assumes: since that adjustment nobody set the clock, nor changed its rate by more than
/// the stated uncertainty. No user-space program can know that sooner than it looks. The next
/// adjust() finds out, counts it as a step or a bound miss, and the bound widens to suit.
#pragma once

#include <cstdint>
#include <deque>

#include "base/time.hpp"
#include "clock/bracket.hpp"
#include "clock/config.hpp"
#include "clock/quality.hpp"
#include "clock/timebase.hpp"
#include "clock/tsc.hpp"

namespace valinor::clock {

/// What adjust() did.
enum class Adjustment : std::uint8_t {
  slewed,   // followed the clock; published time is continuous
  stepped,  // the clock had been set: published time jumped with it
  kept,     // nothing: called too soon, or every look at the clock was disturbed
};

/// Belongs to one thread; what published() returns may be read by any while this lives.
class Discipline {
 public:
  /// Calibrates, which takes kCalibration. Throws Failure (HOST-CLOCK-01) if the clock stands still
  /// or is being set all the while.
  explicit Discipline(ClockName name);

  /// The same with brackets from elsewhere: a simulated clock, a PTP hardware clock.
  Discipline(ClockName name, TakeBracket take_bracket);

  /// Looks at the clock and publishes a new Timebase. Due every 100 to 250 ms; the bound grows by
  /// the millisecond until it is called.
  Adjustment adjust();

  [[nodiscard]] const SharedTimebase& published() const noexcept { return published_; }

  /// Reads the tick counter, for the bound.
  [[nodiscard]] ClockQuality quality() const;

  /// Two stretches of 10 ms: 2 x 25 ns of bracket over 20 ms are 2.5 ppm, good for 0.6 us until
  /// the first adjustment is due. Longer would only delay the start of the program.
  static constexpr Nanos kCalibration = std::chrono::milliseconds{20};

  /// A residual beyond this is a step. NTP daemons slew by up to 500 ppm, 0.125 ms in 250 ms, and
  /// that must stay a slew even when an adjustment is late by a second. Smaller: late adjustments
  /// become jumps. Larger: the time after somebody set the clock is wrong for longer.
  static constexpr Nanos kStepThreshold = std::chrono::milliseconds{1};

 private:
  /// The clock's time at one tick, from the narrowest of a few brackets.
  struct Sighting {
    TscTicks ticks;
    HostTime time;
    std::int64_t half_ticks = 0;  // the clock showed `time` within this of `ticks`
  };
  /// The clock's rate between two sightings.
  struct Rate {
    double nanos_per_tick = 0;
    double uncertainty = 0;  // relative: 1e-6 is 1 ppm
  };

  [[nodiscard]] Sighting sight() const;
  [[nodiscard]] Sighting sight_later(const Sighting& start, Nanos wait) const;
  [[nodiscard]] static Rate rate_between(const Sighting& from, const Sighting& to);
  [[nodiscard]] double half_width_ns(const Sighting& sighting) const noexcept;

  [[nodiscard]] Timebase calibrate();
  [[nodiscard]] Timebase starting_at(const Sighting& now, Nanos step) const;
  void follow_rate(const Sighting& now, double elapsed);
  [[nodiscard]] Timebase slewed(const Timebase& old, const Sighting& now) const;
  Adjustment rebase(const Sighting& now, Nanos step);

  TakeBracket take_bracket_;
  ClockQuality quality_;
  std::deque<Sighting> history_;  // the last few, since the rate or the clock was last changed
  Rate rate_;
  double wander_;         // allowance: how far the clock's rate may move until the next look
  double slew_ns_;        // how long a residual is slewed
  bool stepped_ = false;  // the adjustment before this one was a step
  SharedTimebase published_;
};

}  // namespace valinor::clock
