/// What does a Valinor-N timestamp packet cost to decode, against a plain loop over its fields?
#include <benchmark/benchmark.h>

#include <array>
#include <vector>

#include "bit_loop.hpp"
#include "checked.hpp"
#include "telemetry/decode.hpp"
#include "telemetry/format/valinor_n.hpp"
#include "traffic/frame_template.hpp"
#include "wire/headers.hpp"

namespace valinor::bench {
namespace {

constexpr std::uint64_t kSwitchTime = 0x123456789abc;

std::vector<std::byte> make_frame() {
  const traffic::FrameTemplates frames{{.format = telemetry::Format::valinor_n}};
  std::vector<std::byte> frame(frames.frame_bytes());
  frames.write(1, kSwitchTime, frame);
  return frame;
}

struct Plain {
  std::uint64_t protocol, ingress_mac, ingress_global, enqueue, dequeue_delta, packet_length;
};

/// tna_timestamps_h, field by field.
Plain decode_plainly(const std::byte* at) noexcept {
  static constexpr std::array kWidths{8U,  8U,  48U, 16U, 48U, 14U, 18U,
                                      32U, 16U, 48U, 16U, 48U, 16U, 32U};
  std::array<std::uint64_t, kWidths.size()> values;
  BitReader reader{at};
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = reader.take(kWidths[i]);
  return {values[0], values[2], values[4], values[6], values[7], values[12]};
}

const std::byte* stamps_of(const std::vector<std::byte>& frame) noexcept {
  return frame.data() + sizeof(wire::EthernetHeader) + sizeof(wire::Ipv4Header);
}

DropReason decode(telemetry::Decoder& decoder, const std::vector<std::byte>& frame,
                  telemetry::PacketRecord& packet) noexcept {
  telemetry::Anatomy anatomy;
  return decoder.decode(frame, static_cast<std::uint32_t>(frame.size()),
                        wire::Decision::by_ip_protocol, {&packet, nullptr, 0}, anatomy);
}

void Packet(benchmark::State& state) {
  const auto frame = make_frame();
  telemetry::Decoder decoder{std::nullopt};
  for (auto _ : state) {
    telemetry::PacketRecord packet;
    benchmark::DoNotOptimize(decode(decoder, frame, packet));
    benchmark::DoNotOptimize(packet);
    benchmark::ClobberMemory();
  }
  state.SetItemsProcessed(state.iterations());
}

/// The header alone: less than what Packet does.
void HeaderPlainly(benchmark::State& state) {
  const auto frame = make_frame();
  for (auto _ : state) {
    benchmark::DoNotOptimize(decode_plainly(stamps_of(frame)));
    benchmark::ClobberMemory();
  }
  state.SetItemsProcessed(state.iterations());
}

BENCHMARK(Packet);
BENCHMARK(HeaderPlainly);

}  // namespace

void check_answers() {
  const auto frame = make_frame();
  telemetry::PacketRecord packet;
  telemetry::Decoder decoder{std::nullopt};
  require(decode(decoder, frame, packet) == DropReason::none, "a Valinor-N packet is none");
  const Plain plain = decode_plainly(stamps_of(frame));
  require(plain.ingress_mac == 0 && plain.protocol == packet.flow.protocol, "protocol");
  require(plain.ingress_global == kSwitchTime, "time in the frame");
  require(packet.switch_time.since_epoch.count() == static_cast<std::int64_t>(kSwitchTime),
          "time in the record");
  require(plain.enqueue == packet.enqueue && plain.dequeue_delta == packet.queue_delay, "queue");
  require(plain.packet_length == packet.packet_bytes, "length");
}

}  // namespace valinor::bench
