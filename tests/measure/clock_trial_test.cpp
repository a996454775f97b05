#include "measure/clock_trial.hpp"

#include <gtest/gtest.h>

namespace valinor::measure {
namespace {

using namespace std::chrono_literals;
using clock::ClockName;

TEST(ClockTrial, PublishedTimeStaysWithinItsBound) {
  clock::Discipline discipline{ClockName::monotonic};
  const ClockDeviation seen =
      watch_clock(discipline, ClockName::monotonic, 20ms, [] { return false; });
  EXPECT_GT(seen.looks, 0U);
  EXPECT_EQ(seen.misses, 0U);
  EXPECT_GT(seen.bound, Nanos{0});
  EXPECT_LE(seen.deviation, seen.bound + seen.look);
}

TEST(ClockTrial, AnotherClockIsFoundOut) {
  clock::Discipline discipline{ClockName::monotonic};
  const ClockDeviation seen = watch_clock(discipline, ClockName::tai, 5ms, [] { return false; });
  EXPECT_GT(seen.misses, 0U);
  EXPECT_GT(seen.deviation, Nanos{1s});
}

TEST(ClockTrial, StopsWhenAsked) {
  clock::Discipline discipline{ClockName::tai};
  EXPECT_EQ(watch_clock(discipline, ClockName::tai, 1h, [] { return true; }).looks, 0U);
}

TEST(ClockTrial, EveryReadingCostsSomething) {
  const clock::Discipline discipline{ClockName::tai};
  const ClockCosts costs = measure_costs(ClockName::tai, discipline.published().load());
  EXPECT_GT(costs.tsc_ns, 0);
  EXPECT_GT(costs.kernel_ns, 0);
  EXPECT_GT(costs.host_ns, 0);
}

}  // namespace
}  // namespace valinor::measure
