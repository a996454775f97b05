#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

#include "clock/timebase.hpp"

namespace valinor::clock {
namespace {

/// Every field says the same number, so that a mixture of two timebases shows.
[[nodiscard]] Timebase numbered(std::int64_t n) {
  const Slope slope = Slope::from_nanos_per_tick(static_cast<double>(n % 1'000));
  return {.pivot = TscTicks{static_cast<std::uint64_t>(n)},
          .at_pivot = {Nanos{n}, n},
          .slope_before = slope,
          .slope_after = slope,
          .bound_ns = static_cast<float>(n % 1'000),
          .bound_ns_per_tick = static_cast<float>(n % 1'000),
          .step = Nanos{n}};
}

[[nodiscard]] bool is_whole(const Timebase& timebase) {
  const Timebase expected = numbered(timebase.step.count());
  return timebase.pivot == expected.pivot && timebase.at_pivot.whole == expected.at_pivot.whole &&
         timebase.at_pivot.fraction == expected.at_pivot.fraction &&
         timebase.slope_before == expected.slope_before &&
         timebase.slope_after == expected.slope_after && timebase.bound_ns == expected.bound_ns &&
         timebase.bound_ns_per_tick == expected.bound_ns_per_tick;
}

TEST(SharedTimebase, LoadsWhatWasStoredLast) {
  SharedTimebase shared{numbered(1)};
  EXPECT_EQ(shared.load().step, Nanos{1});
  for (std::int64_t n = 2; n < 6; ++n) {
    shared.store(numbered(n));
    EXPECT_EQ(shared.load().step, Nanos{n});
    EXPECT_TRUE(is_whole(shared.load()));
  }
}

TEST(SharedTimebase, ReadersNeverSeeAMixtureNorGoBack) {
  constexpr std::int64_t kStores = 300'000;
  SharedTimebase shared{numbered(0)};
  std::atomic<int> mixtures{0};
  std::atomic<int> returns{0};

  std::vector<std::jthread> readers;
  for (int reader = 0; reader < 3; ++reader) {
    readers.emplace_back([&] {
      std::int64_t last = 0;
      while (last < kStores) {
        const Timebase seen = shared.load();
        if (!is_whole(seen)) ++mixtures;
        if (seen.step.count() < last) ++returns;
        last = seen.step.count();
      }
    });
  }
  for (std::int64_t n = 1; n <= kStores; ++n) shared.store(numbered(n));
  readers.clear();  // joins

  EXPECT_EQ(mixtures, 0);
  EXPECT_EQ(returns, 0);
}

}  // namespace
}  // namespace valinor::clock
