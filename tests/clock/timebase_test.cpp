#include "clock/timebase.hpp"

#include <gtest/gtest.h>

#include "clock/tsc.hpp"

namespace valinor::clock {
namespace {

using namespace std::chrono_literals;

static_assert(!std::is_convertible_v<std::uint64_t, TscTicks>);
static_assert(!std::is_constructible_v<HostTime, TscTicks>);

constexpr Nanos kNoon{1'800'000'000'000'000'000};
constexpr TscTicks kPivot{1'000'000'000'000};

[[nodiscard]] TscTicks at(std::int64_t from_pivot) {
  return TscTicks{kPivot.value() + static_cast<std::uint64_t>(from_pivot)};
}

[[nodiscard]] Timebase bent() {
  return {.pivot = kPivot,
          .at_pivot = {kNoon, 0},
          .slope_before = Slope::from_nanos_per_tick(0.5),
          .slope_after = Slope::from_nanos_per_tick(0.25),
          .bound_ns = 100,
          .bound_ns_per_tick = 1e-6f,
          .step = 0ns};
}

TEST(Timebase, TicksAfterThePivotFollowTheSlopeAfterIt) {
  EXPECT_EQ(bent().to_host(at(0)).since_epoch, kNoon);
  EXPECT_EQ(bent().to_host(at(400)).since_epoch, kNoon + 100ns);
}

TEST(Timebase, TicksBeforeThePivotFollowTheSlopeBeforeIt) {
  EXPECT_EQ(bent().to_host(at(-400)).since_epoch, kNoon - 200ns);
}

TEST(Timebase, RoundsTowardsThePastOnBothSides) {
  EXPECT_EQ(bent().to_host(at(3)).since_epoch, kNoon);
  EXPECT_EQ(bent().to_host(at(-1)).since_epoch, kNoon - 1ns);
  EXPECT_EQ(bent().to_host(at(-3)).since_epoch, kNoon - 2ns);
}

TEST(Timebase, FineTimeKeepsWhatRoundingWouldLose) {
  const Timebase::Fine fine = bent().fine(at(-3));  // 1.5 ns before the pivot
  EXPECT_EQ(fine.whole, kNoon - 2ns);
  EXPECT_EQ(fine.fraction, std::int64_t{1} << (Slope::kFractionBits - 1));
}

TEST(Timebase, AYearAwayNothingOverflows) {
  Timebase slow = bent();
  slow.slope_before = slow.slope_after = Slope::from_nanos_per_tick(52.0833333333);  // 19.2 MHz
  const std::int64_t year = 365LL * 86'400 * 19'200'000;
  const auto error_of = [&](std::int64_t ticks, Nanos expected) {
    return std::abs((slow.to_host(at(ticks)).since_epoch - kNoon - expected).count());
  };
  EXPECT_LT(error_of(year, 24h * 365), 1'000'000'000);  // the literal above has 12 digits
  EXPECT_LT(error_of(-year, -24h * 365), 1'000'000'000);
}

TEST(Timebase, TheCounterMayWrap) {
  Timebase late = bent();
  late.pivot = TscTicks{~std::uint64_t{0}};
  EXPECT_EQ(late.to_host(TscTicks{3}).since_epoch, kNoon + 1ns);
}

TEST(Timebase, BoundGrowsWithDistanceOnBothSides) {
  EXPECT_GE(bent().error_bound(at(0)), 100ns);
  EXPECT_LE(bent().error_bound(at(0)), 101ns);
  EXPECT_GE(bent().error_bound(at(1'000'000'000)), 1'100ns);
  EXPECT_LE(bent().error_bound(at(1'000'000'000)), 1'101ns);
  EXPECT_EQ(bent().error_bound(at(-1'000'000'000)), bent().error_bound(at(1'000'000'000)));
}

TEST(Timebase, BoundBeforeAStepStatesTheStep) {
  Timebase stepped = bent();
  stepped.step = -1s;
  EXPECT_GE(stepped.error_bound(at(-1)), 1s);
  EXPECT_LT(stepped.error_bound(at(0)), 1us);
}

TEST(Timebase, BoundOfNonsenseTicksSaturates) {
  Timebase vague = bent();
  vague.bound_ns_per_tick = 1e6f;
  EXPECT_GT(vague.error_bound(TscTicks{kPivot.value() ^ (std::uint64_t{1} << 62)}),
            24h * 365 * 100);
}

TEST(Tsc, ReadsInOrderDoNotRunBackwards) {
  TscTicks last = read_tsc_in_order();
  for (int i = 0; i < 10'000; ++i) {
    const TscTicks next = read_tsc_in_order();
    ASSERT_GE(ticks_between(last, next), 0);
    last = next;
  }
}

}  // namespace
}  // namespace valinor::clock
