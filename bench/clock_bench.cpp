/// What does a time stamp cost, and what are its parts?
#include <benchmark/benchmark.h>
#include <time.h>

#include <cmath>
#include <cstdint>

#include "checked.hpp"
#include "clock/timebase.hpp"
#include "clock/tsc.hpp"

namespace valinor::bench {
namespace {

constexpr double kNanosPerTick = 0.385;
constexpr std::uint64_t kPivot = 1'000'000'000'000;

clock::Timebase make_timebase() {
  const auto slope = clock::Slope::from_nanos_per_tick(kNanosPerTick);
  return {.pivot = clock::TscTicks{kPivot},
          .at_pivot = {Nanos{1'700'000'000'000'000'000}, 0},
          .slope_before = slope,
          .slope_after = slope};
}

void ReadTsc(benchmark::State& state) {
  for (auto _ : state) benchmark::DoNotOptimize(clock::read_tsc());
}

void ReadTscInOrder(benchmark::State& state) {
  for (auto _ : state) benchmark::DoNotOptimize(clock::read_tsc_in_order());
}

void ToHost(benchmark::State& state) {
  const auto timebase = make_timebase();
  std::uint64_t ticks = kPivot;
  for (auto _ : state) benchmark::DoNotOptimize(timebase.to_host(clock::TscTicks{++ticks}));
}

/// What a packet pays.
void ReadTscToHost(benchmark::State& state) {
  const auto timebase = make_timebase();
  for (auto _ : state) benchmark::DoNotOptimize(timebase.to_host(clock::read_tsc()));
}

/// What a burst pays on top.
void LoadTimebase(benchmark::State& state) {
  const clock::SharedTimebase shared{make_timebase()};
  for (auto _ : state) {
    auto timebase = shared.load();
    benchmark::DoNotOptimize(timebase);
  }
}

void ErrorBound(benchmark::State& state) {
  const auto timebase = make_timebase();
  std::uint64_t ticks = kPivot;
  for (auto _ : state) benchmark::DoNotOptimize(timebase.error_bound(clock::TscTicks{++ticks}));
}

template <clockid_t kClock>
void Kernel(benchmark::State& state) {
  timespec now{};
  for (auto _ : state) {
    benchmark::DoNotOptimize(::clock_gettime(kClock, &now));
    benchmark::DoNotOptimize(now);
  }
}

BENCHMARK(ReadTsc);
BENCHMARK(ReadTscInOrder);
BENCHMARK(ToHost);
BENCHMARK(ReadTscToHost);
BENCHMARK(LoadTimebase);
BENCHMARK(ErrorBound);
BENCHMARK(Kernel<CLOCK_MONOTONIC>);
BENCHMARK(Kernel<CLOCK_REALTIME>);
BENCHMARK(Kernel<CLOCK_TAI>);

}  // namespace

void check_answers() {
  const auto timebase = make_timebase();
  for (const std::int64_t distance : {-1'000'000'000, -1, 0, 1, 1'000'000'000}) {
    const clock::TscTicks ticks{kPivot + static_cast<std::uint64_t>(distance)};
    const Nanos since = timebase.to_host(ticks).since_epoch - timebase.at_pivot.whole;
    const auto expected = static_cast<double>(distance) * kNanosPerTick;
    require(std::abs(static_cast<double>(since.count()) - expected) <= 1, "ticks to time");
  }
  const clock::SharedTimebase shared{timebase};
  require(shared.load().pivot == timebase.pivot, "what is loaded is what was stored");
  const auto earlier = clock::read_tsc_in_order();
  require(clock::ticks_between(earlier, clock::read_tsc_in_order()) > 0, "ticks go up");
}

}  // namespace valinor::bench
