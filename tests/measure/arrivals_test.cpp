#include "measure/arrivals.hpp"

#include <gtest/gtest.h>

namespace valinor::measure {
namespace {

TEST(Arrivals, InOrder) {
  Arrivals arrivals{3};
  for (std::uint64_t number = 0; number < 1000; ++number) EXPECT_TRUE(arrivals.add(number));
  EXPECT_EQ(arrivals.received(), 1000u);
  EXPECT_EQ(arrivals.reordered(), 0u);
  EXPECT_EQ(arrivals.duplicated(), 0u);
}

TEST(Arrivals, DuplicatesAreNotReceivedTwice) {
  Arrivals arrivals{1};
  EXPECT_TRUE(arrivals.add(7));
  EXPECT_FALSE(arrivals.add(7));
  EXPECT_EQ(arrivals.received(), 1u);
  EXPECT_EQ(arrivals.duplicated(), 1u);
  EXPECT_EQ(arrivals.reordered(), 0u);
}

TEST(Arrivals, OnlyWithinAFlowAPacketIsLate) {
  Arrivals two{2};
  for (const std::uint64_t number : {1u, 0u, 3u, 2u}) two.add(number);
  EXPECT_EQ(two.reordered(), 0u);
  Arrivals one{1};
  for (const std::uint64_t number : {1u, 0u, 3u, 2u}) one.add(number);
  EXPECT_EQ(one.reordered(), 2u);
}

TEST(Arrivals, AfterALossTheNextOnesAreInOrder) {
  Arrivals arrivals{1};
  for (const std::uint64_t number : {0u, 5u, 6u, 7u}) arrivals.add(number);
  EXPECT_EQ(arrivals.received(), 4u);
  EXPECT_EQ(arrivals.reordered(), 0u);
}

}  // namespace
}  // namespace valinor::measure
