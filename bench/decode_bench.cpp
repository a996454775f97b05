/// What do P4NetIntel's hops cost to decode, against a plain loop over fields and bits?
///
/// Traces: the traces alone, as both ways read them. Packet: all of a frame, from Ethernet to the
/// RPC id, chain of next_proto and IPv4 header included.
#include <benchmark/benchmark.h>

#include <cstring>
#include <span>
#include <string>
#include <vector>

#include "bit_loop.hpp"
#include "checked.hpp"
#include "telemetry/decode.hpp"
#include "traffic/frame_template.hpp"
#include "wire/headers.hpp"

namespace valinor::bench {
namespace {

namespace p4 = telemetry::p4netintel;
using telemetry::HopRecord;

constexpr std::uint16_t kMaxHops = 64;
constexpr std::size_t kFirstTrace = sizeof(wire::EthernetHeader) + sizeof(p4::IntHeader);

std::vector<std::byte> make_frame(p4::Layout layout, std::uint16_t hops) {
  const traffic::FrameTemplates frames{{.layout = layout, .hops = hops}};
  std::vector<std::byte> frame(frames.frame_bytes());
  frames.write(1, 1, frame);
  return frame;
}

void decode_all_plainly(p4::Layout layout, const std::byte* trace, std::span<HopRecord> hops) {
  for (HopRecord& hop : hops) {
    decode_plainly(layout, trace, hop);
    trace += p4::trace_bytes(layout);
  }
}

void check(p4::Layout layout, std::uint16_t hops) {
  const auto what =
      "layout " + std::to_string(static_cast<int>(layout)) + ", " + std::to_string(hops) + " hops";
  const auto frame = make_frame(layout, hops);
  std::vector<HopRecord> plain(hops);
  std::vector<HopRecord> ours(hops);
  decode_all_plainly(layout, frame.data() + kFirstTrace, plain);
  p4::decode_traces(layout, frame.data() + kFirstTrace, ours);
  const std::size_t bytes = hops * sizeof(HopRecord);
  require(std::memcmp(plain.data(), ours.data(), bytes) == 0, what);

  telemetry::PacketRecord packet;
  telemetry::Anatomy anatomy;
  telemetry::Decoder decoder{std::nullopt};
  std::vector<HopRecord> decoded(kMaxHops);
  const auto reason =
      decoder.decode(frame, static_cast<std::uint32_t>(frame.size()), wire::Decision::by_ethertype,
                     {&packet, decoded.data(), kMaxHops}, anatomy);
  require(reason == DropReason::none && packet.hop_count == hops && packet.rpc_id == 2, what);
  require(std::memcmp(plain.data(), decoded.data(), bytes) == 0, what + " of a packet");
}

p4::Layout layout_of(const benchmark::State& state) {
  return static_cast<p4::Layout>(state.range(0));
}

void tell(benchmark::State& state) {
  state.SetItemsProcessed(state.iterations());
  state.counters["each hop"] =
      benchmark::Counter(static_cast<double>(state.iterations() * state.range(1)),
                         benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
}

void Traces(benchmark::State& state) {
  const auto frame = make_frame(layout_of(state), static_cast<std::uint16_t>(state.range(1)));
  std::vector<HopRecord> hops(static_cast<std::size_t>(state.range(1)));
  for (auto _ : state) {
    p4::decode_traces(layout_of(state), frame.data() + kFirstTrace, hops);
    benchmark::DoNotOptimize(hops.data());
    benchmark::ClobberMemory();
  }
  tell(state);
}

void TracesPlainly(benchmark::State& state) {
  const auto frame = make_frame(layout_of(state), static_cast<std::uint16_t>(state.range(1)));
  std::vector<HopRecord> hops(static_cast<std::size_t>(state.range(1)));
  for (auto _ : state) {
    decode_all_plainly(layout_of(state), frame.data() + kFirstTrace, hops);
    benchmark::DoNotOptimize(hops.data());
    benchmark::ClobberMemory();
  }
  tell(state);
}

void Packet(benchmark::State& state) {
  const auto frame = make_frame(layout_of(state), static_cast<std::uint16_t>(state.range(1)));
  std::vector<HopRecord> hops(kMaxHops);
  telemetry::Decoder decoder{std::nullopt};
  for (auto _ : state) {
    telemetry::PacketRecord packet;
    telemetry::Anatomy anatomy;
    const auto reason =
        decoder.decode(frame, static_cast<std::uint32_t>(frame.size()),
                       wire::Decision::by_ethertype, {&packet, hops.data(), kMaxHops}, anatomy);
    benchmark::DoNotOptimize(reason);
    benchmark::DoNotOptimize(packet);
    benchmark::ClobberMemory();
  }
  tell(state);
}

void layouts_and_hops(benchmark::internal::Benchmark* benchmark) {
  benchmark->ArgNames({"collect_size", "hops"});
  for (const int layout : {1, 2, 0, 3}) {
    for (const int hops : {1, 3, 9, 18, 64}) benchmark->Args({layout, hops});
  }
}

BENCHMARK(Traces)->Apply(layouts_and_hops);
BENCHMARK(TracesPlainly)->Apply(layouts_and_hops);
BENCHMARK(Packet)->Apply(layouts_and_hops);

}  // namespace

void check_answers() {
  for (std::size_t layout = 0; layout < p4::kLayouts; ++layout) {
    for (std::uint16_t hops = 1; hops <= kMaxHops; ++hops) {
      check(static_cast<p4::Layout>(layout), hops);
    }
  }
}

}  // namespace valinor::bench
