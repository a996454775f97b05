/// What does a record cost on its way from worker to exporter?
#include <benchmark/benchmark.h>

#include <atomic>
#include <cstdint>
#include <string>
#include <thread>

#include "checked.hpp"
#include "telemetry/record_ring.hpp"

namespace valinor::bench {
namespace {

using telemetry::RecordRing;
using telemetry::RecordView;

constexpr std::uint16_t kMaxHops = 64;
constexpr int kBurst = 64;
constexpr std::size_t kRingBytes = std::size_t{1} << 20;

/// Answers how many found room. Of each hop one field is written, so that its memory is touched.
int push_burst(RecordRing& ring, std::uint16_t hops, std::uint32_t first) noexcept {
  int pushed = 0;
  for (; pushed < kBurst; ++pushed) {
    const auto slot = ring.reserve(kMaxHops);
    if (slot.packet == nullptr) break;
    slot.packet->rpc_id = first + static_cast<std::uint32_t>(pushed);
    slot.packet->hop_count = hops;
    for (std::uint16_t hop = 0; hop < hops; ++hop) slot.hops[hop].node_id = hop;
    ring.commit(slot);
  }
  ring.publish();
  return pushed;
}

/// Sum of what was read.
std::uint64_t pop_all(RecordRing& ring) {
  std::uint64_t sum = 0;
  ring.read([&](const RecordView& record) {
    sum += record.packet.rpc_id;
    for (const auto& hop : record.hops) sum += hop.node_id;
    return true;
  });
  ring.release();
  return sum;
}

/// Both ends on one thread: the instructions alone.
void PushAndPop(benchmark::State& state) {
  RecordRing ring{kRingBytes};
  for (auto _ : state) {
    push_burst(ring, static_cast<std::uint16_t>(state.range(0)), 0);
    benchmark::DoNotOptimize(pop_all(ring));
  }
  state.SetItemsProcessed(state.iterations() * kBurst);
}

/// The other end on another thread, as in the program: cache lines travel. A burst that finds no
/// room is tried again.
void PushToOtherThread(benchmark::State& state) {
  RecordRing ring{kRingBytes};
  std::atomic<bool> stop{false};
  std::thread consumer{[&] {
    while (!stop.load(std::memory_order_relaxed)) benchmark::DoNotOptimize(pop_all(ring));
  }};
  for (auto _ : state) {
    for (int left = kBurst; left > 0;) {
      left -= push_burst(ring, static_cast<std::uint16_t>(state.range(0)), 0);
    }
  }
  stop.store(true, std::memory_order_relaxed);
  consumer.join();
  state.SetItemsProcessed(state.iterations() * kBurst);
}

BENCHMARK(PushAndPop)->ArgName("hops")->Arg(0)->Arg(3)->Arg(18);
BENCHMARK(PushToOtherThread)->ArgName("hops")->Arg(0)->Arg(3)->Arg(18)->UseRealTime();

}  // namespace

void check_answers() {
  RecordRing ring{kRingBytes};
  for (std::uint32_t round = 0; round < 1000; ++round) {
    const auto hops = static_cast<std::uint16_t>(round % (kMaxHops + 1));
    const std::uint32_t first = round * kBurst;
    require(push_burst(ring, hops, first) == kBurst, "room for a burst");
    std::uint64_t expected = 0;
    for (std::uint32_t i = 0; i < kBurst; ++i) expected += first + i + hops * (hops - 1U) / 2;
    require(pop_all(ring) == expected, "round " + std::to_string(round));
  }
}

}  // namespace valinor::bench
