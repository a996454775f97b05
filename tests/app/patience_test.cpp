#include "app/patience.hpp"

#include <gtest/gtest.h>

namespace valinor::app {
namespace {

using namespace std::chrono_literals;

constexpr Patience::Clock::time_point kStart{};

TEST(Patience, IsOverWhenNothingWasAnsweredForTheWholeTime) {
  Patience patience{30s, kStart};
  EXPECT_FALSE(patience.is_over(0, true, kStart));
  EXPECT_FALSE(patience.is_over(0, true, kStart + 29s));
  EXPECT_TRUE(patience.is_over(0, true, kStart + 30s));
}

TEST(Patience, BeginsAnewWithEachAnswer) {
  Patience patience{30s, kStart};
  for (std::uint64_t answered = 1; answered < 10; ++answered) {
    EXPECT_FALSE(patience.is_over(answered, true, kStart + answered * 29s));
  }
  EXPECT_TRUE(patience.is_over(9, true, kStart + 9 * 29s + 30s));
  EXPECT_FALSE(patience.is_over(10, true, kStart + 1000s)) << "the store is back";
}

TEST(Patience, TimeWithoutAnythingToStoreDoesNotCount) {
  Patience patience{30s, kStart};
  EXPECT_FALSE(patience.is_over(5, false, kStart + 100s));
  EXPECT_FALSE(patience.is_over(5, true, kStart + 129s));
  EXPECT_TRUE(patience.is_over(5, true, kStart + 130s));
}

}  // namespace
}  // namespace valinor::app
