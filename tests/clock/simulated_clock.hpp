/// A tick counter and a clock of two numbers each, so that tests say how time passes.
#pragma once

#include <cmath>
#include <cstdint>

#include "clock/bracket.hpp"

namespace valinor::clock {

/// Ticks at 2.5 GHz; the clock runs beside them at a rate of its own, off by some ppm.
class SimulatedClock {
 public:
  static constexpr double kNominalRate = 0.4;  // ns per tick
  static constexpr Nanos kEpoch{1'800'000'000'000'000'000};

  explicit SimulatedClock(double ppm = 0) { set_rate(ppm); }

  /// Lets time pass.
  void advance(Nanos time) { pass(static_cast<std::uint64_t>(time.count()) * 5 / 2); }

  /// From now on the clock is fast by this much.
  void set_rate(double ppm) {
    since_ = elapsed();
    rate_from_ = ticks_;
    rate_ = kNominalRate * (1 + ppm * 1e-6);
  }

  /// settimeofday(2).
  void step(Nanos by) { steps_ += by; }

  void stand_still() {
    set_rate(0);
    rate_ = 0;
  }

  /// The next `count` brackets hold a pause: before the clock is read, or behind it.
  void preempt(int count, Nanos early, Nanos late) {
    preemptions_ = count;
    early_ = early;
    late_ = late;
  }

  [[nodiscard]] TscTicks ticks() const { return TscTicks{ticks_}; }

  /// What the clock truly shows at a tick not before the last set_rate().
  [[nodiscard]] HostTime truth_at(TscTicks ticks) const {
    return {kEpoch + steps_ +
            Nanos{static_cast<std::int64_t>(std::floor(elapsed_at(ticks.value())))}};
  }
  [[nodiscard]] HostTime truth() const { return truth_at(ticks()); }

  /// A bracket as the kernel's vDSO gives it: 50 ns wide, the clock read nearer to its end.
  [[nodiscard]] Bracket take() {
    const bool preempted = preemptions_ > 0;
    if (preempted) --preemptions_;
    const TscTicks before = ticks();
    pass(80);
    if (preempted) advance(early_);
    const HostTime time = truth();
    if (preempted) advance(late_);
    pass(45);
    return {before, time, ticks()};
  }

 private:
  void pass(std::uint64_t ticks) { ticks_ += ticks; }
  [[nodiscard]] double elapsed_at(std::uint64_t ticks) const {
    return since_ + static_cast<double>(static_cast<std::int64_t>(ticks - rate_from_)) * rate_;
  }
  [[nodiscard]] double elapsed() const { return elapsed_at(ticks_); }

  std::uint64_t ticks_ = 123'456'789'000;
  std::uint64_t rate_from_ = ticks_;
  double since_ = 0;  // ns on the clock since kEpoch when the rate was last set
  double rate_ = kNominalRate;
  Nanos steps_{};
  int preemptions_ = 0;
  Nanos early_{}, late_{};
};

}  // namespace valinor::clock
