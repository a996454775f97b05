#include "clock/kernel_offset.hpp"

#include <gtest/gtest.h>
#include <time.h>

#include "clock/bracket.hpp"
#include "clock/quality.hpp"

namespace valinor::clock {
namespace {

constexpr ClockName kAll[] = {ClockName::tai, ClockName::realtime, ClockName::monotonic};

Nanos read(ClockName name) {
  timespec now{};
  ::clock_gettime(to_id(name), &now);
  return std::chrono::seconds{now.tv_sec} + Nanos{now.tv_nsec};
}

TEST(KernelOffset, LeadsFromEachClockToEachOther) {
  for (const ClockName from : kAll) {
    for (const ClockName to : kAll) {
      KernelOffset offset{from, to};
      const Nanos before = read(to);
      const Nanos between = read(from) + offset();
      const Nanos after = read(to);
      EXPECT_GE(between, before - offset.bound()) << to_name(from) << " to " << to_name(to);
      EXPECT_LE(between, after + offset.bound()) << to_name(from) << " to " << to_name(to);
      EXPECT_LT(offset.bound(), Nanos{1000});
    }
  }
}

TEST(KernelOffset, BetweenTaiAndRealtimeIsTheKernelsOwnNumber) {
  KernelOffset offset{ClockName::realtime, ClockName::tai};
  EXPECT_EQ(offset(), std::chrono::seconds{read_tai_offset().value()});
  EXPECT_EQ(offset.bound(), Nanos{0});
}

TEST(KernelOffset, IsZeroFromAClockToItself) {
  for (const ClockName name : kAll) EXPECT_EQ((KernelOffset{name, name}()), Nanos{0});
}

TEST(KernelOffset, DoesNotJitter) {
  KernelOffset offset{ClockName::monotonic, ClockName::realtime};
  const Nanos first = offset();
  for (int i = 0; i < 100'000; ++i) {
    ASSERT_LT(std::chrono::abs(offset() - first), Nanos{100});
  }
}

}  // namespace
}  // namespace valinor::clock
