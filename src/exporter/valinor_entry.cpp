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
  if (packet.format == telemetry::Format::valinor_n ||
      packet.format == telemetry::Format::valinor_entry) {
    entry.enqueue = packet.enqueue;
    entry.enqueue_delta_ns = packet.queue_delay;
  } else if (!hops.empty()) {
    const telemetry::HopRecord& newest = hops.front();
    const bool has_time = (newest.fields & telemetry::hop_field::kEnqueueTime) != 0;
    entry.enqueue = has_time ? newest.enqueue_time : newest.enqueue_depth;
    entry.enqueue_delta_ns = newest.queue_delay;
  }
}

/// Reads what put() wrote, and moves on behind it.
template <class Unsigned>
void take(const std::byte*& in, Unsigned& value) noexcept {
  value = 0;
  for (std::size_t i = 0; i < sizeof(value); ++i) {
    value = static_cast<Unsigned>(value << 8 | std::to_integer<Unsigned>(*in++));
  }
}

/// ::ffff:a.b.c.d
std::array<std::byte, 16> to_mapped(std::uint32_t address) noexcept {
  std::array<std::byte, 16> bytes{};
  bytes[10] = bytes[11] = std::byte{0xFF};
  for (std::size_t i = 0; i < 4; ++i) {
    bytes[12 + i] = static_cast<std::byte>(address >> (24 - 8 * i) & 0xFF);
  }
  return bytes;
}

/// The protocol that makes the entry's key of its other fields; UDP and TCP are tried first.
std::uint8_t find_protocol(const ValinorEntry& entry) noexcept {
  FiveTuple flow{entry.source, entry.destination, entry.source_port, entry.destination_port, 17};
  if (connection_key(flow) == entry.connection_key) return flow.protocol;
  flow.protocol = 6;
  if (connection_key(flow) == entry.connection_key) return flow.protocol;
  for (int protocol = 255; protocol > 0; --protocol) {
    flow.protocol = static_cast<std::uint8_t>(protocol);
    if (connection_key(flow) == entry.connection_key) return flow.protocol;
  }
  return 0;
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
  const bool by_switch = packet.format == telemetry::Format::valinor_entry ||
                         (record_time == RecordTime::network_switch &&
                          (packet.flags & telemetry::flag::kSwitchTime) != 0);
  const Nanos time = by_switch ? packet.switch_time.since_epoch : packet.received.since_epoch;
  const FiveTuple flow = to_five_tuple(packet.flow);
  ValinorEntry entry{.timestamp_ns = static_cast<std::uint64_t>(time.count()),
                     .packet_length = to_packet_length(packet),
                     .connection_key = packet.format == telemetry::Format::valinor_entry
                                           ? packet.flow_hash
                                           : connection_key(flow),
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

ValinorEntry to_entry(std::span<const std::byte, kValinorRowBytes> row) noexcept {
  ValinorEntry entry;
  const std::byte* in = row.data();
  take(in, entry.timestamp_ns);
  take(in, entry.enqueue);
  take(in, entry.enqueue_delta_ns);
  take(in, entry.packet_length);
  take(in, entry.connection_key);
  take(in, entry.source);
  take(in, entry.destination);
  take(in, entry.source_port);
  take(in, entry.destination_port);
  return entry;
}

telemetry::PacketRecord to_record(const ValinorEntry& entry) noexcept {
  telemetry::PacketRecord record;
  record.format = telemetry::Format::valinor_entry;
  record.flags = telemetry::flag::kSwitchTime;
  record.switch_time.since_epoch = Nanos{static_cast<std::int64_t>(entry.timestamp_ns)};
  record.flow = {.source = to_mapped(entry.source),
                 .destination = to_mapped(entry.destination),
                 .source_port = entry.source_port,
                 .destination_port = entry.destination_port,
                 .protocol = find_protocol(entry)};
  if (entry.packet_length == kUnknownLength) {
    record.flags |= telemetry::flag::kLengthUnknown;
  } else {
    record.packet_bytes = entry.packet_length;
  }
  record.enqueue = entry.enqueue;
  record.queue_delay = entry.enqueue_delta_ns;
  record.flow_hash = entry.connection_key;
  return record;
}

}  // namespace valinor::exporter
