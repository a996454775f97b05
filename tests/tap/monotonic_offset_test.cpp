#include "app/monotonic_offset.hpp"

#include <gtest/gtest.h>
#include <time.h>

namespace valinor::app {
namespace {

Nanos read(clockid_t id) {
  timespec now{};
  ::clock_gettime(id, &now);
  return std::chrono::seconds{now.tv_sec} + Nanos{now.tv_nsec};
}

TEST(MonotonicOffset, LeadsToTheConfiguredClock) {
  for (const auto& [name, id] : {std::pair{clock::ClockName::realtime, CLOCK_REALTIME},
                                 std::pair{clock::ClockName::tai, CLOCK_TAI}}) {
    MonotonicOffset offset{name};
    const Nanos before = read(id);
    const Nanos between = read(CLOCK_MONOTONIC) + offset();
    const Nanos after = read(id);
    EXPECT_GE(between, before - Nanos{1000});
    EXPECT_LE(between, after + Nanos{1000});
  }
}

TEST(MonotonicOffset, IsZeroForValinorsOwnClock) {
  EXPECT_EQ(MonotonicOffset{clock::ClockName::monotonic}(), Nanos{0});
}

TEST(MonotonicOffset, DoesNotJitter) {
  MonotonicOffset offset{clock::ClockName::realtime};
  const Nanos first = offset();
  for (int i = 0; i < 100'000; ++i) {
    ASSERT_LT(std::chrono::abs(offset() - first), Nanos{100});
  }
}

}  // namespace
}  // namespace valinor::app
