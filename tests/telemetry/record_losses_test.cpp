#include "telemetry/record_losses.hpp"

#include <gtest/gtest.h>

namespace valinor::telemetry {
namespace {

constexpr std::int64_t kMs = 1'000'000;

HostTime at(std::int64_t ns) { return HostTime{Nanos{ns}}; }

TEST(RecordLosses, ThoseCloseToEachOtherAreOneSpan) {
  RecordLosses losses;
  EXPECT_TRUE(losses.kept().empty());
  losses.add(at(5 * kMs));
  losses.add(at(14 * kMs));
  losses.add(at(14 * kMs - 3));  // stamped out of order
  losses.add(at(23 * kMs));
  losses.add(at(33 * kMs));
  ASSERT_EQ(losses.kept().size(), 2u);
  EXPECT_EQ(losses.kept()[0].from, at(5 * kMs));
  EXPECT_EQ(losses.kept()[0].to, at(23 * kMs));
  EXPECT_EQ(losses.kept()[0].records, 4u);
  EXPECT_EQ(losses.kept()[1].from, at(33 * kMs));
  EXPECT_EQ(losses.kept()[1].records, 1u);
}

TEST(RecordLosses, AClockThatIsSetBackBeginsASpan) {
  RecordLosses losses;
  losses.add(at(900 * kMs));
  losses.add(at(100 * kMs));
  losses.add(at(105 * kMs));
  ASSERT_EQ(losses.kept().size(), 2u);
  EXPECT_EQ(losses.kept()[1].from, at(100 * kMs));
  EXPECT_EQ(losses.kept()[1].to, at(105 * kMs));
}

TEST(RecordLosses, OfTooManySpansTheFirstAreKept) {
  RecordLosses losses;
  const auto* const memory = losses.kept().data();
  constexpr std::size_t kSpans = RecordLosses::kMostKept + 3;
  for (std::size_t i = 0; i < kSpans; ++i) {
    losses.add(at(static_cast<std::int64_t>(i) * 100 * kMs));
    losses.add(at(static_cast<std::int64_t>(i) * 100 * kMs + 1));
  }
  EXPECT_EQ(losses.kept().size(), RecordLosses::kMostKept);
  EXPECT_EQ(losses.left_out(), 3u);
  EXPECT_EQ(losses.kept().back().records, 2u);
  EXPECT_EQ(losses.kept().data(), memory);
}

}  // namespace
}  // namespace valinor::telemetry
