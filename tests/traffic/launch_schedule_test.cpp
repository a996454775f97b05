#include "traffic/launch_schedule.hpp"

#include <gtest/gtest.h>

namespace valinor::traffic {
namespace {

constexpr Nanos kLead{1'000'000};

TEST(LaunchSchedule, PacketsLeaveWhenTheyAreDueBehindTheLead) {
  LaunchSchedule schedule{kLead};
  schedule.anchor({Nanos{5'000'000'000}}, Nanos{0});
  EXPECT_EQ(schedule.launch_ns(Nanos{0}), 5'001'000'000u);
  EXPECT_EQ(schedule.launch_ns(Nanos{250'000'000}), 5'251'000'000u);
}

TEST(LaunchSchedule, FollowsTheNicsClock) {
  LaunchSchedule schedule{kLead};
  schedule.anchor({Nanos{100'000}}, Nanos{0});
  // A second later the NIC's clock is 30 us ahead of where ours would be.
  schedule.anchor({Nanos{1'000'130'000}}, Nanos{1'000'000'000});
  EXPECT_EQ(schedule.launch_ns(Nanos{1'000'000'000}), 1'001'130'000u);
}

}  // namespace
}  // namespace valinor::traffic
