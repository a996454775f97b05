#include "exporter/valinor_entry.hpp"

#include <algorithm>
#include <limits>

#include "exporter/connection_key.hpp"

namespace valinor::exporter {
namespace {

std::uint16_t to_packet_length(const telemetry::PacketRecord& packet) noexcept {
  if ((packet.flags & telemetry::flag::kLengthUnknown) != 0) return kUnknownLength;
  constexpr std::uint32_t kMost = std::numeric_limits<std::uint16_t>::max();
  return static_cast<std::uint16_t>(std::min(packet.packet_bytes, kMost));
}

/// What Valinor calls the queue: of the mirrored packet, or of the newest hop.
void fill_queue_fields(ValinorEntry& entry, const telemetry::PacketRecord& packet,
                       std::span<const telemetry::HopRecord> hops) noexcept {
  if (packet.format == telemetry::Format::valinor_n) {
    entry.enqueue = packet.enqueue;
    entry.enqueue_delta_ns = packet.queue_delay;
  } else if (!hops.empty()) {
    const telemetry::HopRecord& newest = hops.front();
    const bool has_time = (newest.fields & telemetry::hop_field::kEnqueueTime) != 0;
    entry.enqueue = has_time ? newest.enqueue_time : newest.enqueue_depth;
    entry.enqueue_delta_ns = newest.queue_delay;
  }
}

template <class Unsigned>
std::byte* put(std::byte* out, Unsigned value) noexcept {
  for (std::size_t i = sizeof(value); i-- > 0;) {
    *out++ = static_cast<std::byte>((value >> (8 * i)) & 0xFF);
  }
  return out;
}

}  // namespace

ValinorEntry to_entry(const telemetry::PacketRecord& packet,
                      std::span<const telemetry::HopRecord> hops, RecordTime record_time) noexcept {
  if (packet.format == telemetry::Format::host_egress) {  // as Valinor-H writes it
    return {.timestamp_ns = static_cast<std::uint64_t>(packet.received.since_epoch.count()),
            .packet_length = to_packet_length(packet),
            .connection_key = packet.flow_hash,
            .source = packet.mark};
  }
  const bool by_switch = record_time == RecordTime::network_switch &&
                         (packet.flags & telemetry::flag::kSwitchTime) != 0;
  const Nanos time = by_switch ? packet.switch_time.since_epoch : packet.received.since_epoch;
  const FiveTuple flow = to_five_tuple(packet.flow);
  ValinorEntry entry{.timestamp_ns = static_cast<std::uint64_t>(time.count()),
                     .packet_length = to_packet_length(packet),
                     .connection_key = connection_key(flow),
                     .source = flow.source,
                     .destination = flow.destination,
                     .source_port = flow.source_port,
                     .destination_port = flow.destination_port};
  fill_queue_fields(entry, packet, hops);
  return entry;
}

ValinorRow to_row(const ValinorEntry& entry) noexcept {
  ValinorRow row;
  std::byte* out = row.data();
  out = put(out, entry.timestamp_ns);
  out = put(out, entry.enqueue);
  out = put(out, entry.enqueue_delta_ns);
  out = put(out, entry.packet_length);
  out = put(out, entry.connection_key);
  out = put(out, entry.source);
  out = put(out, entry.destination);
  out = put(out, entry.source_port);
  put(out, entry.destination_port);
  return row;
}

}  // namespace valinor::exporter
