#include "measure/rate_search.hpp"

#include <gtest/gtest.h>

namespace valinor::measure {
namespace {

TEST(FindRate, ComesWithinTheResolutionFromBelow) {
  for (std::uint64_t limit : {1u, 12'345u, 500'000u, 999'999u}) {
    const std::uint64_t found =
        find_rate(1'000'000, 0.001, [&](std::uint64_t rate) { return rate <= limit; });
    EXPECT_LE(found, limit);
    EXPECT_GE(found + 1000, limit);
  }
}

TEST(FindRate, TakesTheHighestAtOnceWhereItPasses) {
  int asked = 0;
  EXPECT_EQ(find_rate(1000, 0.01, [&](std::uint64_t) { return ++asked > 0; }), 1000u);
  EXPECT_EQ(asked, 1);
}

TEST(FindRate, WhereNonePasses) {
  EXPECT_EQ(find_rate(1000, 0.01, [](std::uint64_t) { return false; }), 0u);
  EXPECT_EQ(find_rate(0, 0.01, [](std::uint64_t) { return false; }), 0u);
}

TEST(FindRate, TheAnswerHasPassedAlsoWhereTheLimitWavers) {
  std::uint64_t passed = 0;
  int asked = 0;
  const std::uint64_t found = find_rate(1 << 20, 0.0001, [&](std::uint64_t rate) {
    const bool passes = ++asked % 3 != 0 && rate < 900'000;
    if (passes) passed = rate;
    return passes;
  });
  EXPECT_EQ(found, passed);
}

}  // namespace
}  // namespace valinor::measure
