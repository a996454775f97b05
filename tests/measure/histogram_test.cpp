#include "measure/histogram.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <random>
#include <vector>

namespace valinor::measure {
namespace {

TEST(Histogram, IsEmptyAtFirst) {
  const Histogram histogram;
  EXPECT_EQ(histogram.count(), 0u);
  EXPECT_EQ(histogram.at(0.5), 0u);
  EXPECT_EQ(histogram.least(), 0u);
  EXPECT_EQ(histogram.most(), 0u);
}

TEST(Histogram, SmallValuesAreExact) {
  Histogram histogram;
  for (std::uint64_t value = 1; value <= 100; ++value) histogram.add(value);
  EXPECT_EQ(histogram.at(0.01), 1u);
  EXPECT_EQ(histogram.at(0.5), 50u);
  EXPECT_EQ(histogram.at(0.99), 99u);
  EXPECT_EQ(histogram.at(1), 100u);
  EXPECT_DOUBLE_EQ(histogram.mean(), 50.5);
}

TEST(Histogram, AnyValueIsKnownWithinOnePercentAndNeverBelow) {
  std::mt19937_64 random{1};
  for (int n = 0; n < 20'000; ++n) {
    const std::uint64_t value = random() >> random() % 64;
    Histogram histogram;
    histogram.add(value);
    histogram.add(~std::uint64_t{0});  // so that the maximum does not bound the answer
    const std::uint64_t found = histogram.at(0.5);
    ASSERT_GE(found, value);
    ASSERT_LE(static_cast<double>(found), static_cast<double>(value) * 1.01 + 0.5) << value;
  }
}

TEST(Histogram, SharesAgreeWithASortedList) {
  std::mt19937_64 random{2};
  std::vector<std::uint64_t> values(10'001);
  Histogram histogram;
  for (auto& value : values) {
    value = 1000 + random() % 1'000'000;
    histogram.add(value);
  }
  std::sort(values.begin(), values.end());
  for (const double share : {0.5, 0.9, 0.99, 0.999}) {
    const auto rank = static_cast<std::size_t>(share * 10'001);
    EXPECT_NEAR(static_cast<double>(histogram.at(share)), static_cast<double>(values[rank]),
                static_cast<double>(values[rank]) * 0.02);
  }
  EXPECT_EQ(histogram.least(), values.front());
  EXPECT_EQ(histogram.most(), values.back());
}

}  // namespace
}  // namespace valinor::measure
