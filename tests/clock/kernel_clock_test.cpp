/// The clocks of this machine, looked at by threads that do not discipline them.
#include <gtest/gtest.h>
#include <sys/timex.h>

#include <array>
#include <atomic>
#include <cstdio>
#include <string>
#include <thread>
#include <vector>

#include "clock/discipline.hpp"

namespace valinor::clock {
namespace {

/// Counts what a worker thread would see go wrong.
struct Watch {
  std::atomic<std::int64_t> looks{0};
  std::atomic<std::int64_t> outside_bound{0};
  std::atomic<std::int64_t> backwards{0};
};

/// Compares published time with the kernel's. The kernel's is only known to lie between two ticks,
/// so published time is too late if even the first tick is, and too early if even the last one is.
void watch_clock(const Discipline& discipline, ClockName name, int looks, Watch& watch) {
  HostTime last{};
  for (int i = 0; i < looks; ++i) {
    const Timebase base = discipline.published().load();
    const Bracket kernel = bracket(name);
    const HostTime first = base.to_host(kernel.before);
    const Nanos bound = base.error_bound(kernel.after);
    if (first - kernel.time > bound || kernel.time - base.to_host(kernel.after) > bound) {
      watch.outside_bound.fetch_add(1);
    }
    if (first < last) watch.backwards.fetch_add(1);
    last = first;
  }
  watch.looks.fetch_add(looks);
}

/// How the kernel is being steered: frequency, tick length, offset still to be slewed.
[[nodiscard]] std::array<long, 3> kernel_rate() {
  timex request{};
  ::adjtimex(&request);
  return {request.freq, request.tick, request.offset};
}

class KernelClock : public testing::TestWithParam<ClockName> {};

TEST_P(KernelClock, IsWithinTheBoundOnEveryThreadWhileItIsDisciplined) {
  constexpr int kThreads = 2;
  constexpr int kLooks = 2'000'000;
  const auto rate_at_start = kernel_rate();
  Discipline discipline{GetParam()};
  Watch watch;
  {
    std::vector<std::jthread> watchers;
    for (int i = 0; i < kThreads; ++i) {
      watchers.emplace_back([&] { watch_clock(discipline, GetParam(), kLooks, watch); });
    }
    // Mostly refused as too soon; the watchers' looks, not a time, decide how long this lasts.
    while (watch.looks < kThreads * kLooks) {
      discipline.adjust();
      std::this_thread::yield();
    }
  }
  const ClockQuality quality = discipline.quality();
  std::printf("%s\n", to_text(quality).c_str());
  if (quality.steps > 0 || kernel_rate() != rate_at_start) {
    GTEST_SKIP() << "the clock of this machine was set, or its rate changed, during the test";
  }
  EXPECT_EQ(quality.bound_misses, 0u);
  EXPECT_EQ(watch.outside_bound, 0);
  EXPECT_EQ(watch.backwards, 0);
}

INSTANTIATE_TEST_SUITE_P(Names, KernelClock,
                         testing::Values(ClockName::tai, ClockName::realtime, ClockName::monotonic),
                         [](const auto& name) { return std::string{to_name(name.param)}; });

}  // namespace
}  // namespace valinor::clock
