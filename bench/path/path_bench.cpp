/// What does a packet cost in user space, from RX ring to fill ring and record ring?
///
/// The time is a burst's, divided; that of the played kernel is left out. Role reflect sends by
/// system calls, so that its time here would be the kernel's: bench/path/instructions counts it.
#include <benchmark/benchmark.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <string>

#include "checked.hpp"
#include "load/named_frames.hpp"
#include "path/whole_path.hpp"

namespace valinor::bench {
namespace {

constexpr std::array kTraffic{"3x9", "18x72", "valinor-n"};

bool is_root() noexcept { return ::geteuid() == 0; }

void Collect(benchmark::State& state, const char* traffic) {
  if (!is_root()) {
    state.SkipWithError("needs root, for a network namespace");
    return;
  }
  WholePath path{pipeline::Role::collect, *make_frames(traffic)};
  std::int64_t packets = 0;
  for (auto _ : state) {
    const std::uint32_t delivered = path.deliver();
    const auto begin = std::chrono::steady_clock::now();
    path.turn();
    const auto end = std::chrono::steady_clock::now();
    state.SetIterationTime(std::chrono::duration<double>(end - begin).count());
    path.take_records();
    packets += delivered;
  }
  state.SetItemsProcessed(packets);
  state.counters["each packet"] = benchmark::Counter(
      static_cast<double>(packets), benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
}

BENCHMARK_CAPTURE(Collect, 3x9, "3x9")->UseManualTime();
BENCHMARK_CAPTURE(Collect, 18x72, "18x72")->UseManualTime();
BENCHMARK_CAPTURE(Collect, valinor_n, "valinor-n")->UseManualTime();

void check(pipeline::Role role, const char* traffic) {
  WholePath path{role, *make_frames(traffic)};
  constexpr std::uint64_t kPackets = 100 * packet_io::kMaxBurst;
  std::uint64_t delivered = 0, records = 0;
  while (delivered < kPackets) {
    delivered += path.deliver();
    path.turn();
    records += path.take_records();
  }
  const auto& stats = path.stats();
  const auto& done = role == pipeline::Role::collect ? stats.consumed : stats.transmitted;
  require(records == delivered && done.value() == delivered && stats.received.value() == delivered,
          std::string{"whole path of "} + traffic);
}

}  // namespace

void check_answers() {
  if (!is_root()) return;
  for (const char* traffic : kTraffic) {
    check(pipeline::Role::collect, traffic);
    check(pipeline::Role::reflect, traffic);
  }
}

}  // namespace valinor::bench
