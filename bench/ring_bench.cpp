/// What do the AF_XDP rings cost, by libxdp's operations, in memory that no kernel shares?
///
/// Turn: a frame is taken from the RX ring, and one is given to the fill ring. Both other ends are
/// moved along by two integers, which play the kernel.
#include <benchmark/benchmark.h>
#include <xdp/xsk.h>

#include <array>
#include <cstdint>
#include <vector>

#include "checked.hpp"

namespace valinor::bench {
namespace {

constexpr std::uint32_t kEntries = 2048;
constexpr std::uint32_t kFrameBytes = 2048;

/// A ring of ours as XskSocket maps it, over memory of its own.
template <class Ring, class Entry>
struct UserRing {
  UserRing() {
    ring.mask = kEntries - 1;
    ring.size = kEntries;
    ring.producer = &indices[0];
    ring.consumer = &indices[16];  // another cache line
    ring.flags = &indices[32];
    ring.ring = entries.data();
  }
  UserRing(const UserRing&) = delete;
  UserRing& operator=(const UserRing&) = delete;

  Ring ring{};
  alignas(64) std::array<std::uint32_t, 48> indices{};
  std::vector<Entry> entries = std::vector<Entry>(kEntries);
};

struct Rings {
  Rings() {
    fill.ring.cached_cons = kEntries;
    for (std::uint32_t i = 0; i < kEntries; ++i) rx.entries[i] = {i * kFrameBytes + 256, 77, 0};
  }
  /// The kernel: `count` more frames are received, all that were given have been taken.
  void play_kernel(std::uint32_t count) noexcept {
    __atomic_store_n(rx.ring.producer, *rx.ring.producer + count, __ATOMIC_RELEASE);
    __atomic_store_n(fill.ring.consumer, *fill.ring.producer, __ATOMIC_RELEASE);
  }
  UserRing<xsk_ring_cons, xdp_desc> rx;
  UserRing<xsk_ring_prod, std::uint64_t> fill;
};

/// Answers how many frames went through.
std::uint32_t turn(Rings& rings, std::uint32_t burst) noexcept {
  std::uint32_t from = 0;
  const std::uint32_t count = xsk_ring_cons__peek(&rings.rx.ring, burst, &from);
  std::uint32_t to = 0;
  if (count == 0 || xsk_ring_prod__reserve(&rings.fill.ring, count, &to) != count) return 0;
  for (std::uint32_t i = 0; i < count; ++i) {
    *xsk_ring_prod__fill_addr(&rings.fill.ring, to + i) =
        xsk_ring_cons__rx_desc(&rings.rx.ring, from + i)->addr;
  }
  xsk_ring_prod__submit(&rings.fill.ring, count);
  xsk_ring_cons__release(&rings.rx.ring, count);
  return count;
}

void Turn(benchmark::State& state) {
  Rings rings;
  const auto burst = static_cast<std::uint32_t>(state.range(0));
  for (auto _ : state) {
    rings.play_kernel(burst);
    benchmark::DoNotOptimize(turn(rings, burst));
    benchmark::ClobberMemory();
  }
  state.SetItemsProcessed(state.iterations() * burst);
}

/// Nothing is there: what an idle turn pays.
void Idle(benchmark::State& state) {
  Rings rings;
  for (auto _ : state) {
    benchmark::DoNotOptimize(turn(rings, 64));
    benchmark::ClobberMemory();
  }
}

BENCHMARK(Turn)->ArgName("burst")->Arg(1)->Arg(8)->Arg(32)->Arg(64);
BENCHMARK(Idle);

}  // namespace

void check_answers() {
  Rings rings;
  // As if they had run for long: the indices are about to wrap.
  constexpr std::uint32_t kStart = 0U - 100;
  rings.rx.ring.cached_prod = rings.rx.ring.cached_cons = kStart;
  *rings.rx.ring.producer = *rings.rx.ring.consumer = kStart;
  rings.fill.ring.cached_prod = kStart;
  rings.fill.ring.cached_cons = kStart + kEntries;
  *rings.fill.ring.producer = *rings.fill.ring.consumer = kStart;
  require(turn(rings, 64) == 0, "an empty ring");
  for (int i = 0; i < 100; ++i) {
    rings.play_kernel(64);
    const std::uint32_t at = *rings.fill.ring.producer;
    require(turn(rings, 64) == 64 && turn(rings, 64) == 0, "64 frames");
    for (std::uint32_t j = 0; j < 64; ++j) {
      const std::uint32_t slot = (at + j) % kEntries;
      require(rings.fill.entries[slot] == rings.rx.entries[slot].addr, "address");
    }
  }
}

}  // namespace valinor::bench
