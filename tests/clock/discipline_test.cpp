#include "clock/discipline.hpp"

#include <gtest/gtest.h>

#include "base/failure.hpp"
#include "simulated_clock.hpp"

namespace valinor::clock {
namespace {

using namespace std::chrono_literals;

constexpr Nanos kInterval = 250ms;

/// A Discipline that follows a SimulatedClock, looked at by somebody who knows the truth.
class Followed {
 public:
  explicit Followed(double ppm = 0) : clock{ppm} {}

  /// An interval in which every millisecond the published time is compared with the truth.
  Adjustment pass(Nanos interval = kInterval) {
    for (Nanos gone{0}; gone < interval; gone += 1ms) {
      clock.advance(1ms);
      compare();
    }
    return discipline.adjust();
  }
  void pass_many(int intervals) {
    for (int i = 0; i < intervals; ++i) pass();
  }

  void compare() {
    const Timebase base = discipline.published().load();
    const HostTime published = base.to_host(clock.ticks());
    error = abs(published - clock.truth());
    if (error > base.error_bound(clock.ticks())) ++outside_bound;
    if (published < last_published) ++backwards;
    last_published = published;
  }

  [[nodiscard]] Nanos bound() const {
    return discipline.published().load().error_bound(clock.ticks());
  }

  SimulatedClock clock;
  Discipline discipline{ClockName::tai, [this] { return clock.take(); }};
  Nanos error{};
  int outside_bound = 0;
  int backwards = 0;
  HostTime last_published{};
};

class DisciplineAtRate : public testing::TestWithParam<double> {};

TEST_P(DisciplineAtRate, StaysWithinTheBoundAndNeverRunsBackwards) {
  Followed followed{GetParam()};
  followed.pass_many(100);
  EXPECT_EQ(followed.outside_bound, 0);
  EXPECT_EQ(followed.backwards, 0);
  EXPECT_EQ(followed.discipline.quality().steps, 0u);
  EXPECT_EQ(followed.discipline.quality().bound_misses, 0u);
}

TEST_P(DisciplineAtRate, ReportsTheFrequency) {
  Followed followed{GetParam()};
  followed.pass_many(20);
  const ClockQuality quality = followed.discipline.quality();
  const double truth = 2.5e9 / (1 + GetParam() * 1e-6);
  EXPECT_NEAR(quality.ticks_per_second / truth, 1, quality.frequency_uncertainty_ppm * 1e-6);
}

INSTANTIATE_TEST_SUITE_P(Drifts, DisciplineAtRate, testing::Values(-100.0, -1.0, 0.0, 1.0, 100.0));

TEST(Discipline, TheBoundNarrowsAsTheBaselineGrows) {
  Followed followed{30};
  followed.pass(20ms);
  const double at_first = followed.discipline.quality().frequency_uncertainty_ppm;
  followed.pass_many(20);
  const double later = followed.discipline.quality().frequency_uncertainty_ppm;
  EXPECT_GT(at_first, 2.0);
  EXPECT_LT(later, 1.1);
}

TEST(Discipline, SuccessiveTimebasesAgreeOnTicksUpToThePivot) {
  Followed followed{100};
  for (int i = 0; i < 30; ++i) {
    const Timebase old = followed.discipline.published().load();
    ASSERT_EQ(followed.pass(), Adjustment::slewed);
    const Timebase base = followed.discipline.published().load();
    ASSERT_GT(ticks_between(followed.clock.ticks(), base.pivot), 0) << "pivot already over";
    for (std::uint64_t back = 0; back < 600'000'000; back += 12'345'677) {
      const TscTicks ticks{base.pivot.value() - back};
      if (ticks_between(old.pivot, ticks) < 0) break;
      ASSERT_EQ(base.to_host(ticks), old.to_host(ticks));
    }
  }
}

TEST(Discipline, TimeMovesOnAtEveryTickAcrossThePivot) {
  Followed followed{-100};
  followed.pass();
  const Timebase base = followed.discipline.published().load();
  for (std::uint64_t i = 0; i < 2'000; ++i) {
    const TscTicks ticks{base.pivot.value() - 1'000 + i};
    const Nanos gained = base.to_host(TscTicks{ticks.value() + 1}) - base.to_host(ticks);
    ASSERT_GE(gained, 0ns);
    ASSERT_LE(gained, 1ns);
  }
}

TEST(Discipline, AChangeOfRateIsFollowedWithoutAJumpAndCountedAsAMiss) {
  Followed followed;
  followed.pass_many(20);
  followed.clock.set_rate(100);  // 25 us in the interval in which nobody looks
  followed.pass();
  EXPECT_GT(followed.outside_bound, 0);  // the assumption in discipline.hpp
  EXPECT_EQ(followed.discipline.quality().bound_misses, 1u);
  EXPECT_GE(followed.bound(), 25us);

  followed.outside_bound = 0;
  followed.pass_many(60);
  EXPECT_EQ(followed.outside_bound, 0);
  EXPECT_EQ(followed.backwards, 0);
  EXPECT_EQ(followed.discipline.quality().steps, 0u);
  EXPECT_LT(followed.error, 100ns);
  EXPECT_LT(followed.bound(), 1us);
}

class DisciplineStepped : public testing::TestWithParam<Nanos> {};

TEST_P(DisciplineStepped, JumpsWithTheClockAtOnceAndCountsIt) {
  Followed followed;
  followed.pass_many(20);
  ASSERT_EQ(followed.outside_bound, 0);

  const TscTicks before = followed.clock.ticks();
  followed.clock.step(GetParam());
  EXPECT_EQ(followed.pass(), Adjustment::stepped);

  const Timebase base = followed.discipline.published().load();
  const ClockQuality quality = followed.discipline.quality();
  EXPECT_EQ(quality.steps, 1u);
  EXPECT_LT(abs(quality.last_step - GetParam()), 1us);
  EXPECT_EQ(quality.bound_misses, 0u);
  // Of a tick in the last interval nobody knows on which side of the step it was.
  EXPECT_GE(base.error_bound(before), abs(GetParam()));
  EXPECT_LT(followed.bound(), 1us);

  followed.outside_bound = followed.backwards = 0;
  followed.last_published = {};
  followed.pass_many(40);
  EXPECT_EQ(followed.outside_bound, 0);
  EXPECT_EQ(followed.backwards, 0);
  EXPECT_EQ(followed.discipline.quality().steps, 1u);
}

INSTANTIATE_TEST_SUITE_P(Steps, DisciplineStepped,
                         testing::Values(Nanos{1s}, Nanos{-1s}, Nanos{3ms}, Nanos{-3ms},
                                         Nanos{24h * 365}));

TEST(Discipline, ANewTscRateIsLearntAfterTwoSteps) {
  Followed followed;
  followed.pass_many(20);
  followed.clock.set_rate(100'000);  // the virtual machine now has another TSC
  EXPECT_EQ(followed.pass(), Adjustment::stepped);
  EXPECT_EQ(followed.pass(), Adjustment::stepped);
  followed.outside_bound = 0;
  followed.pass_many(20);
  EXPECT_EQ(followed.outside_bound, 0);
  EXPECT_EQ(followed.discipline.quality().steps, 2u);
}

TEST(Discipline, TwoStepsInARowDoNotSpoilTheRate) {
  Followed followed;
  followed.pass_many(20);
  for (int i = 0; i < 2; ++i) {
    followed.clock.step(1s);
    EXPECT_EQ(followed.pass(), Adjustment::stepped);
  }
  followed.outside_bound = 0;
  followed.pass_many(20);
  EXPECT_EQ(followed.outside_bound, 0);
  EXPECT_EQ(followed.discipline.quality().steps, 2u);
}

TEST(Discipline, OneQuietBracketIsEnough) {
  Followed followed;
  followed.pass_many(10);
  followed.clock.preempt(7, 4ms, 0ns);
  EXPECT_EQ(followed.pass(), Adjustment::slewed);
  EXPECT_LT(followed.bound(), 1us);
  followed.pass_many(10);
  EXPECT_EQ(followed.outside_bound, 0);
}

TEST(Discipline, ALookThatWasAlwaysPreemptedChangesNothing) {
  Followed followed;
  followed.pass_many(10);
  followed.clock.preempt(8, 0ns, 10ms);  // wrong by 5 ms, five times the step threshold
  EXPECT_EQ(followed.pass(), Adjustment::kept);
  followed.clock.preempt(8, 10ms, 0ns);
  EXPECT_EQ(followed.pass(), Adjustment::kept);
  EXPECT_EQ(followed.discipline.quality().wide_brackets, 2u);
  followed.pass_many(10);
  EXPECT_EQ(followed.discipline.quality().steps, 0u);
  EXPECT_EQ(followed.outside_bound, 0);
  EXPECT_EQ(followed.backwards, 0);
}

TEST(Discipline, DisturbedCalibrationIsStatedInTheBound) {
  SimulatedClock clock{40};
  clock.preempt(8, 0ns, 300us);
  const Discipline discipline{ClockName::tai, [&] { return clock.take(); }};
  EXPECT_GT(discipline.quality().frequency_uncertainty_ppm, 5'000);
  for (int i = 0; i < 250; ++i) {
    clock.advance(1ms);
    const Timebase base = discipline.published().load();
    ASSERT_LE(abs(base.to_host(clock.ticks()) - clock.truth()), base.error_bound(clock.ticks()));
  }
}

TEST(Discipline, IrregularAndLateAdjustmentsStayWithinTheBound) {
  Followed followed{20};
  for (int i = 0; i < 20; ++i) {
    followed.pass(100ms);
    followed.pass(2'000ms);
    followed.pass(21ms);
  }
  EXPECT_EQ(followed.outside_bound, 0);
  EXPECT_EQ(followed.backwards, 0);
  EXPECT_EQ(followed.discipline.quality().steps, 0u);
  EXPECT_LT(followed.error, 1us);
}

TEST(Discipline, CalledTooSoonItChangesNothing) {
  Followed followed;
  followed.pass();
  for (int i = 0; i < 100; ++i) EXPECT_EQ(followed.discipline.adjust(), Adjustment::kept);
}

TEST(Discipline, AClockThatStandsStillIsRefused) {
  SimulatedClock clock;
  clock.stand_still();
  EXPECT_THROW((Discipline{ClockName::realtime, [&] { return clock.take(); }}), Failure);
}

TEST(Discipline, AStepDuringCalibrationIsNoticed) {
  for (const Nanos step : {Nanos{1s}, Nanos{-1s}}) {
    SimulatedClock clock;
    int looks = 0;
    const Discipline discipline{ClockName::realtime, [&] {
                                  if (++looks == 1'000) clock.step(step);
                                  return clock.take();
                                }};
    EXPECT_NEAR(discipline.quality().ticks_per_second, 2.5e9, 2.5e4);
  }
}

TEST(ClockQuality, SaysThatTaiIsUnset) {
  ClockQuality quality{.name = ClockName::tai, .ticks_per_second = 2.5e9, .tai_offset_s = 0};
  EXPECT_NE(to_text(quality).find("TAI offset unset, equals realtime"), std::string::npos);
  quality.tai_offset_s = 37;
  EXPECT_NE(to_text(quality).find("UTC +37 s"), std::string::npos);
  quality.name = ClockName::monotonic;
  EXPECT_EQ(to_text(quality).find("TAI"), std::string::npos);
}

}  // namespace
}  // namespace valinor::clock
