#include "tap/to_records.hpp"

#include <algorithm>
#include <cstring>

namespace valinor::tap {
namespace {

telemetry::FlowKey to_flow(const valinor_tap_packet& packet) noexcept {
  telemetry::FlowKey flow;
  std::memcpy(flow.source.data(), packet.source, flow.source.size());
  std::memcpy(flow.destination.data(), packet.destination, flow.destination.size());
  flow.source_port = packet.source_port;
  flow.destination_port = packet.destination_port;
  flow.protocol = packet.protocol;
  return flow;
}

}  // namespace

void to_records(const valinor_tap_packet& packet, Nanos offset, std::uint32_t worker,
                telemetry::RecordRing& records, TapStats& stats) noexcept {
  const telemetry::FlowKey flow = to_flow(packet);
  const HostTime left{Nanos{static_cast<std::int64_t>(packet.time_ns)} + offset};
  const std::uint32_t headers = std::min(packet.header_bytes, packet.packet_bytes);
  std::uint32_t payload = packet.packet_bytes - headers;  // not yet given to a segment
  std::uint64_t bytes = 0;
  std::uint64_t lost = 0;
  for (std::uint32_t i = 0; i < packet.segments; ++i) {
    const bool is_last = i + 1 == packet.segments;
    const std::uint32_t part = is_last ? payload : std::min(packet.segment_payload, payload);
    payload -= part;
    bytes += headers + part;
    const telemetry::RecordSlot slot = records.reserve(0);
    if (slot.packet == nullptr) {
      ++lost;
      stats.losses.add(left + Nanos{i});
      continue;
    }
    telemetry::PacketRecord& record = *slot.packet;
    record.received = left + Nanos{i};
    record.flow = flow;
    record.packet_bytes = headers + part;
    record.frame_bytes = headers + part;
    record.flow_hash = packet.flow_hash;
    record.mark = packet.mark;
    record.flags = packet.segments > 1 ? telemetry::flag::kGsoSegment : 0;
    record.worker = worker;
    record.format = telemetry::Format::host_egress;
    records.commit(slot);
  }
  stats.records.add(packet.segments);
  stats.records_ring_full.add(lost);
  stats.bytes.add(bytes);
}

}  // namespace valinor::tap
