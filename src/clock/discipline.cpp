#include "clock/discipline.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "base/failure.hpp"

namespace valinor::clock {
namespace {

/// Brackets per look, of which the narrowest counts. One would do on a quiet core; eight make it
/// likely that one is not interrupted, for half a microsecond.
constexpr int kBracketsPerSighting = 8;

/// Brackets until a clock that does not move is given up: 0.2 s or more of looking.
constexpr int kPatience = 4'000'000;

/// The baseline for the rate, in adjustments: 1.6 to 4 s. There 50 ns of brackets are 0.03 ppm,
/// well below kCalmWander. Longer: slower to notice that the rate has changed.
constexpr std::size_t kLongestHistory = 16;

/// Sooner than this after an adjustment there is nothing to learn: 50 ns over 20 ms are 2.5 ppm.
constexpr double kSoonest_ns = 20e6;

/// A residual is slewed away over this time, the longest that should pass between adjustments;
/// after a longer pause over that much, for a while (see follow_rate). 1 ms over 250 ms makes a
/// second 0.4 % too long or short, which a latency of microseconds does not show.
constexpr double kShortestSlew_ns = 250e6;

/// New slopes begin this long after the look. Longer than publishing takes, so that no worker has
/// converted a later tick by then.
constexpr double kLead_ns = 100e3;

/// How far the rate may move between two looks on a calm machine. The kernel dithers its own by
/// 0.14 ppm, the temperature of a crystal does 0.1 ppm in a second, chrony in steady state less.
/// Smaller: the bound would be a hope. Larger: 1 ppm is already 250 ns of bound in 250 ms.
constexpr double kCalmWander = 1e-6;

/// The clock truncates to nanoseconds, and so do we.
constexpr double kRounding_ns = 2;

/// Two halves of the calibration that differ by more than this were not one straight line. NTP
/// slews by up to 500 ppm.
constexpr double kCalibrationTolerance = 1e-3;

[[nodiscard]] double magnitude(Nanos time) noexcept {
  return std::abs(static_cast<double>(time.count()));
}

[[nodiscard]] TscTicks later_by(TscTicks ticks, double more) noexcept {
  return TscTicks{ticks.value() + static_cast<std::uint64_t>(more)};
}

[[noreturn]] void give_up(ClockName name, const std::string& why) {
  throw Failure{
      ExitStatus::host_not_ready,
      {"HOST-CLOCK-01", "cannot calibrate the TSC by the clock " + std::string{to_name(name)}, why,
       "timestamp.clock: monotonic    which nobody can set; or wait for NTP to settle"}};
}

}  // namespace

Discipline::Discipline(ClockName name) : Discipline{name, [name] { return bracket(name); }} {}

Discipline::Discipline(ClockName name, TakeBracket take_bracket)
    : take_bracket_{std::move(take_bracket)},
      wander_{kCalmWander},
      slew_ns_{kShortestSlew_ns},
      published_{[this, name] {
        quality_.name = name;
        quality_.tsc_invariant = tsc_is_invariant();
        return calibrate();
      }()} {}

Adjustment Discipline::adjust() {
  const Sighting now = sight();
  const Timebase old = published_.load();
  const Nanos residual = now.time - old.to_host(now.ticks);
  const double half = half_width_ns(now);
  const double elapsed =
      static_cast<double>(ticks_between(history_.back().ticks, now.ticks)) * rate_.nanos_per_tick;

  const bool ticks_were_reset = elapsed < 0;  // a virtual machine was restored
  if (ticks_were_reset || magnitude(residual) > half + static_cast<double>(kStepThreshold.count()))
    return rebase(now, residual);
  if (elapsed < kSoonest_ns) return Adjustment::kept;

  const Nanos bound = old.error_bound(now.ticks);
  quality_.worst_bound = std::max(quality_.worst_bound, bound);
  if (magnitude(residual) > magnitude(bound) + half) {
    ++quality_.bound_misses;
  } else if (half > magnitude(bound)) {
    ++quality_.wide_brackets;  // knows less than we do already
    return Adjustment::kept;
  }
  quality_.last_residual = residual;
  if (magnitude(residual) > magnitude(quality_.worst_residual)) quality_.worst_residual = residual;

  follow_rate(now, elapsed);
  published_.store(slewed(old, now));
  stepped_ = false;
  return Adjustment::slewed;
}

ClockQuality Discipline::quality() const {
  ClockQuality quality = quality_;
  quality.ticks_per_second = 1e9 / rate_.nanos_per_tick;
  quality.frequency_uncertainty_ppm = (rate_.uncertainty + wander_) * 1e6;
  quality.bound_now = published_.load().error_bound(take_bracket_().after);
  quality.worst_bound = std::max(quality.worst_bound, quality.bound_now);
  quality.tai_offset_s = read_tai_offset();
  return quality;
}

Discipline::Sighting Discipline::sight() const {
  Bracket narrowest = take_bracket_();
  for (int i = 1; i < kBracketsPerSighting; ++i) {
    const Bracket next = take_bracket_();
    if (ticks_between(next.before, next.after) < ticks_between(narrowest.before, narrowest.after))
      narrowest = next;
  }
  const std::int64_t half = (ticks_between(narrowest.before, narrowest.after) + 1) / 2;
  return {TscTicks{narrowest.before.value() + static_cast<std::uint64_t>(half)}, narrowest.time,
          half};
}

Discipline::Sighting Discipline::sight_later(const Sighting& start, Nanos wait) const {
  for (int i = 0; i < kPatience; ++i) {
    // Either way: a clock that was set back ends the wait too, and fails the comparison of rates.
    if (magnitude(take_bracket_().time - start.time) >= magnitude(wait)) return sight();
  }
  give_up(quality_.name,
          "it did not advance while the TSC was read " + std::to_string(kPatience) + " times");
}

Discipline::Rate Discipline::rate_between(const Sighting& from, const Sighting& to) {
  const auto ticks = static_cast<double>(ticks_between(from.ticks, to.ticks));
  const double nanos_per_tick = static_cast<double>((to.time - from.time).count()) / ticks;
  const auto blur = static_cast<double>(from.half_ticks + to.half_ticks);
  return {nanos_per_tick, (blur + kRounding_ns / nanos_per_tick) / ticks};
}

double Discipline::half_width_ns(const Sighting& sighting) const noexcept {
  return static_cast<double>(sighting.half_ticks) * rate_.nanos_per_tick;
}

Timebase Discipline::calibrate() {
  constexpr int kAttempts = 3;
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    const Sighting start = sight();
    const Sighting middle = sight_later(start, kCalibration / 2);
    const Sighting end = sight_later(middle, kCalibration / 2);
    const Rate first = rate_between(start, middle);
    const Rate second = rate_between(middle, end);
    const double apart = std::abs(first.nanos_per_tick / second.nanos_per_tick - 1);
    // Not finite: the ticks stand still, which a NIC's clock may do.
    const bool both_advance = std::isfinite(first.nanos_per_tick) && first.nanos_per_tick > 0 &&
                              std::isfinite(second.nanos_per_tick) && second.nanos_per_tick > 0;
    if (!both_advance) continue;
    if (apart > first.uncertainty + second.uncertainty + kCalibrationTolerance) continue;

    rate_ = rate_between(start, end);
    history_ = {start, end};
    return starting_at(end, Nanos{0});
  }
  give_up(quality_.name, "it was set, changed its rate or did not advance, during each of " +
                             std::to_string(kAttempts) + " attempts");
}

/// A straight line through what was just seen.
Timebase Discipline::starting_at(const Sighting& now, Nanos step) const {
  const Slope slope = Slope::from_nanos_per_tick(rate_.nanos_per_tick);
  return {
      .pivot = now.ticks,
      .at_pivot = {now.time.since_epoch, 0},
      .slope_before = slope,
      .slope_after = slope,
      .bound_ns = static_cast<float>(half_width_ns(now) + kRounding_ns),
      .bound_ns_per_tick = static_cast<float>((rate_.uncertainty + wander_) * rate_.nanos_per_tick),
      .step = step};
}

void Discipline::follow_rate(const Sighting& now, double elapsed) {
  // A slew goes on until the next adjustment, so one that comes late finds it overdone. With a slew
  // that shortens by no more than half the time that passes, what is left of the residual by then
  // shrinks faster than the overshoot grows: late adjustments cannot rock it ever higher.
  slew_ns_ = std::max({kShortestSlew_ns, elapsed, slew_ns_ - elapsed / 2});

  const Rate latest = rate_between(history_.back(), now);
  const double unexplained =
      std::max(0.0, std::abs(latest.nanos_per_tick / rate_.nanos_per_tick - 1) -
                        latest.uncertainty - rate_.uncertainty);
  // The rate was changed: what came before says nothing about it.
  if (unexplained > kCalmWander) history_.erase(history_.begin(), history_.end() - 1);
  // A rate that has just moved may well move on, so the allowance shrinks by steps of 1/8: from
  // 500 ppm to calm in about 10 s.
  wander_ = std::max({kCalmWander, 2 * unexplained, wander_ * 7 / 8});

  rate_ = rate_between(history_.front(), now);
  history_.push_back(now);
  if (history_.size() > kLongestHistory) history_.pop_front();
}

/// From the old line, at the pivot, towards where the clock will be one slew later.
Timebase Discipline::slewed(const Timebase& old, const Sighting& now) const {
  const TscTicks pivot = later_by(now.ticks, kLead_ns / rate_.nanos_per_tick);
  const Nanos lead{
      std::llround(static_cast<double>(ticks_between(now.ticks, pivot)) * rate_.nanos_per_tick)};
  const Timebase::Fine at_pivot = old.fine(pivot);
  const auto residual = static_cast<double>((now.time.since_epoch + lead - at_pivot.whole).count());
  const double slew = residual / slew_ns_;
  const double slew_before = old.slope_after.nanos_per_tick() / rate_.nanos_per_tick - 1;
  const double uncertainty = rate_.uncertainty + wander_;

  return {.pivot = pivot,
          .at_pivot = at_pivot,
          .slope_before = old.slope_after,
          .slope_after = Slope::from_nanos_per_tick(rate_.nanos_per_tick * (1 + slew)),
          .bound_ns = static_cast<float>(half_width_ns(now) + std::abs(residual) +
                                         uncertainty * kLead_ns + kRounding_ns),
          .bound_ns_per_tick =
              static_cast<float>((uncertainty + std::max(std::abs(slew), std::abs(slew_before))) *
                                 rate_.nanos_per_tick),
          .step = Nanos{0}};
}

/// The clock was set: its rate is as good as before, but no two times across the step compare.
Adjustment Discipline::rebase(const Sighting& now, Nanos step) {
  // Two steps in a row, without a quiet look between them: it is our rate that is wrong (a virtual
  // machine moved to another host).
  const bool rate_is_wrong = stepped_ && ticks_between(history_.back().ticks, now.ticks) > 0;
  if (rate_is_wrong) {
    const Rate latest = rate_between(history_.back(), now);
    const double change = latest.nanos_per_tick / rate_.nanos_per_tick;
    if (change > 0.5 && change < 2) rate_ = latest;  // beyond: the clock was set twice
  }
  history_ = {now};
  published_.store(starting_at(now, step));
  stepped_ = true;
  ++quality_.steps;
  quality_.last_step = step;
  return Adjustment::stepped;
}

}  // namespace valinor::clock
