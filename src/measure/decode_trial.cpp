#include "measure/decode_trial.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cassert>
#include <cstring>
#include <optional>

#include "clock/tsc.hpp"
#include "packet_io/frame.hpp"
#include "telemetry/format/valinor_n.hpp"

namespace valinor::measure {
namespace {

namespace p4netintel = telemetry::p4netintel;
using packet_io::kMaxBurst;
using telemetry::Format;
using telemetry::HopRecord;

/// As a worker's are by default.
constexpr std::uint16_t kMostHops = 64;
constexpr std::size_t kRecordRingBytes = std::size_t{16} << 20;

/// Frames begin on a cache line.
constexpr std::size_t kFrameAlignment = 64;

/// The switch's time of packet `number`, of Valinor-N.
constexpr std::uint64_t switch_time_ns(std::size_t number) noexcept { return 1000 + number; }

/// Whether both say the same, as far as a trace of that layout can.
bool agree(p4netintel::Layout layout, const HopRecord& one, const HopRecord& other) {
  const auto encode = [layout](const HopRecord& hop) {
    std::vector<std::byte> trace(p4netintel::trace_bytes(layout));
    p4netintel::encode_trace(layout, hop, p4netintel::kNextIsTrace, trace.data());
    return trace;
  };
  return encode(one) == encode(other);
}

std::size_t round_up(std::size_t number, std::size_t step) noexcept {
  return (number + step - 1) / step * step;
}

}  // namespace

DecodeTrial::DecodeTrial(const traffic::FrameConfig& frames)
    : config_{frames},
      frame_bytes_{traffic::FrameTemplates{frames}.frame_bytes()},
      stride_{round_up(frame_bytes_, kFrameAlignment)},
      frames_(round_up(frames.flows, kMaxBurst) * stride_),
      match_{wire::MatchRules{}},
      decoder_{std::nullopt},
      records_{kRecordRingBytes} {
  const traffic::FrameTemplates templates{frames};
  for (std::size_t number = 0; number < packets(); ++number) {
    templates.write(number, switch_time_ns(number),
                    std::span{frames_}.subspan(number * stride_, frame_bytes_));
  }
}

inline DropReason DecodeTrial::decode(std::size_t number) noexcept {
  const wire::Bytes bytes = frame(number);
  bool is_tagged = false;
  const wire::Decision decision = match_.decide(bytes, is_tagged);
  if (!wire::is_telemetry(decision)) return DropReason::unwanted;
  const telemetry::RecordSlot slot = records_.reserve(kMostHops);
  assert(slot.packet != nullptr);  // a burst is far smaller than the ring, and taken out at once
  // As the worker of a collector does it.
  const auto size = static_cast<std::uint32_t>(bytes.size());
  if (is_tagged || !decoder_.decode_simple(bytes, size, decision, slot, nullptr)) [[unlikely]] {
    telemetry::Anatomy anatomy;
    const DropReason reason = decoder_.decode_any(bytes, size, decision, slot, anatomy);
    if (reason != DropReason::none) return reason;
  }
  records_.commit(slot);
  return DropReason::none;
}

std::string DecodeTrial::find_mistake() {
  for (std::size_t number = 0; number < packets(); ++number) {
    const DropReason reason = decode(number);
    if (reason != DropReason::none) return fmt::format("packet {}: {}", number, to_name(reason));
    records_.publish();
    std::string mistake;
    records_.read([&](const telemetry::RecordView& record) {
      mistake = judge(number, record);
      return true;
    });
    records_.release();
    if (!mistake.empty()) return fmt::format("packet {}: {}", number, mistake);
  }
  return {};
}

std::string DecodeTrial::judge(std::size_t number, const telemetry::RecordView& record) const {
  const telemetry::PacketRecord& packet = record.packet;
  const auto flow = static_cast<std::uint32_t>(number % config_.flows);
  if (packet.format != config_.format) return "its format";
  const telemetry::FlowKey key = traffic::meant_flow(flow);
  if (std::memcmp(&packet.flow, &key, sizeof key) != 0) return "its flow";
  if (config_.format == Format::valinor_n) {
    const HopRecord meant = traffic::meant_hop(config_, flow, 0);
    if (packet.switch_time.since_epoch.count() !=
        static_cast<std::int64_t>(switch_time_ns(number))) {
      return "its switch's time";
    }
    const bool agrees =
        packet.enqueue == (meant.enqueue_time & telemetry::valinor_n::kEnqueueMask) &&
        packet.queue_delay == meant.queue_delay;
    return agrees ? "" : "its time in the queue";
  }
  if (packet.rpc_id != number + 1) return "its RPC id";
  if (record.hops.size() != config_.hops) return "the number of its hops";
  for (std::uint32_t i = 0; i < config_.hops; ++i) {
    if (!agree(config_.layout, record.hops[i], traffic::meant_hop(config_, flow, i))) {
      return fmt::format("hop {}", i);
    }
  }
  const bool has_host = config_.int_host && config_.hops > 0;
  if (has_host && packet.host_time_ns != traffic::meant_host_time_ns(flow)) return "int_host";
  return {};
}

DecodeResult DecodeTrial::run(std::chrono::nanoseconds duration) {
  using Clock = std::chrono::steady_clock;
  const std::size_t all = packets();
  std::int64_t ticks = 0;
  std::uint64_t decoded = 0;
  const Clock::time_point begin = Clock::now();
  const clock::TscTicks begin_ticks = clock::read_tsc_in_order();
  Clock::time_point now = begin;
  for (std::size_t first = 0; now < begin + duration || decoded == 0; now = Clock::now()) {
    const clock::TscTicks before = clock::read_tsc_in_order();
    for (std::size_t number = first; number < first + kMaxBurst; ++number) (void)decode(number);
    records_.publish();
    ticks += clock::ticks_between(before, clock::read_tsc_in_order());
    records_.read([](const telemetry::RecordView&) { return true; });
    records_.release();
    decoded += kMaxBurst;
    first = (first + kMaxBurst) % all;
  }
  const auto elapsed_ticks =
      static_cast<double>(clock::ticks_between(begin_ticks, clock::read_tsc_in_order()));
  const double elapsed_ns = std::chrono::duration<double, std::nano>(Clock::now() - begin).count();
  const double ticks_per_packet = static_cast<double>(ticks) / static_cast<double>(decoded);
  return {.ns_per_packet = ticks_per_packet * elapsed_ns / elapsed_ticks,
          .ticks_per_packet = ticks_per_packet};
}

}  // namespace valinor::measure
