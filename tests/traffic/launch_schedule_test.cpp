#include "traffic/launch_schedule.hpp"

#include <gtest/gtest.h>

namespace valinor::traffic {
namespace {

constexpr Nanos kLead{1'000'000};

TEST(LaunchSchedule, PacketsLeaveAtTheirRateBehindTheLead) {
  LaunchSchedule schedule{4, kLead};
  schedule.anchor({Nanos{5'000'000'000}}, Nanos{0});
  EXPECT_EQ(schedule.launch_ns(0), 5'001'000'000u);
  EXPECT_EQ(schedule.launch_ns(1), 5'251'000'000u);
  EXPECT_EQ(schedule.launch_ns(9), 7'251'000'000u);
}

TEST(LaunchSchedule, FollowsTheNicsClock) {
  LaunchSchedule schedule{1'000'000, kLead};
  schedule.anchor({Nanos{100'000}}, Nanos{0});
  // A second later the NIC's clock is 30 us ahead of where ours would be.
  schedule.anchor({Nanos{1'000'130'000}}, Nanos{1'000'000'000});
  EXPECT_EQ(schedule.launch_ns(1'000'000), 1'001'130'000u);
}

TEST(LaunchSchedule, DaysAreExact) {
  LaunchSchedule schedule{3'000'000, Nanos{0}};
  schedule.anchor({Nanos{0}}, Nanos{0});
  EXPECT_EQ(schedule.launch_ns(3'000'000ull * 86'400 * 30), 86'400ull * 30 * 1'000'000'000);
}

}  // namespace
}  // namespace valinor::traffic
