#include "telemetry/decode.hpp"

#include <algorithm>
#include <bit>
#include <cstring>

#include "telemetry/format/valinor_n.hpp"
#include "wire/headers.hpp"
#include "wire/packet.hpp"

namespace valinor::telemetry {
namespace {

using wire::Bytes;

/// ::ffff:a.b.c.d from four bytes in network order, RFC 4291, section 2.5.5.2.
void map_ipv4(const std::byte* address, std::array<std::byte, 16>& out) noexcept {
  out = {};
  out[10] = out[11] = std::byte{0xff};
  std::memcpy(out.data() + 12, address, 4);
}

void take_ipv4_addresses(Bytes packet, FlowKey& flow) noexcept {
  map_ipv4(packet.data() + offsetof(wire::Ipv4Header, source), flow.source);
  map_ipv4(packet.data() + offsetof(wire::Ipv4Header, destination), flow.destination);
}

constexpr bool has_ports(std::uint8_t protocol) noexcept {
  return protocol == wire::ip_protocol::kTcp || protocol == wire::ip_protocol::kUdp;
}

/// Reads the ports at `offset` where the frame has them.
void take_ports(Bytes frame, std::size_t offset, FlowKey& flow, Anatomy& anatomy) noexcept {
  if (!has_ports(flow.protocol) || frame.size() < offset + 4) return;
  anatomy.ports_offset = static_cast<std::uint32_t>(offset);
  flow.source_port = wire::load_be<2>(frame.data() + offset);
  flow.destination_port = wire::load_be<2>(frame.data() + offset + 2);
}

DropReason to_drop_reason(wire::IpError error) noexcept {
  return error == wire::IpError::truncated ? DropReason::truncated : DropReason::malformed_ip;
}

/// The id is the first word behind the UDP or TCP header; 0 means none. (The original looks behind
/// 20 bytes of TCP whatever its options, and so takes options for an id.)
void take_rpc_id(Bytes transport, PacketRecord& packet) noexcept {
  std::size_t offset = sizeof(wire::UdpHeader);
  if (packet.flow.protocol == wire::ip_protocol::kTcp) {
    const auto tcp = wire::Reader{transport}.read<wire::TcpHeader>();
    if (!tcp) return;
    offset = std::size_t{tcp->offset_and_flags.value()} >> 12 << 2;
    if (offset < sizeof(wire::TcpHeader)) return;
  } else if (packet.flow.protocol != wire::ip_protocol::kUdp) {
    return;
  }
  if (transport.size() < offset + 4) return;
  packet.rpc_id = wire::load_be<4>(transport.data() + offset);
  if (packet.rpc_id != 0) packet.flags |= flag::kRpcId;
}

/// The original writes the two numbers in x86 order; network order is the specification's. Both are
/// small, so the reading that makes tx_reqs (always 1), else the time, the smaller one is right.
void take_host(const p4netintel::IntHost& host, PacketRecord& packet) noexcept {
  packet.host_requests = host.requests.value();
  packet.host_time_ns = host.host_time_ns.value();
  packet.flags |= flag::kHostTime;
  const std::uint64_t requests = __builtin_bswap64(packet.host_requests);
  const std::uint64_t time = __builtin_bswap64(packet.host_time_ns);
  if (requests < packet.host_requests ||
      (requests == packet.host_requests && time < packet.host_time_ns)) {
    packet.host_requests = requests;
    packet.host_time_ns = time;
    packet.flags |= flag::kHostLittleEndian;
  }
}

DropReason decode_valinor_n(Bytes frame, const wire::Link& link, const RecordSlot& slot,
                            Anatomy& anatomy) noexcept {
  if (link.ethertype != wire::ethertype::kIpv4) return DropReason::unknown_format;
  const Bytes ip_packet = frame.subspan(link.bytes);
  const wire::Ip ip = wire::parse_ip(ip_packet, link.ethertype);
  if (ip.error != wire::IpError::none) return to_drop_reason(ip.error);
  const auto stamps =
      wire::Reader{ip_packet.subspan(ip.header_bytes)}.read<valinor_n::Timestamps>();
  if (!stamps) return DropReason::truncated;
  if (stamps->ingress_mac.value() != 0) return DropReason::unknown_format;

  PacketRecord& packet = *slot.packet;
  packet.format = Format::valinor_n;
  packet.flags = flag::kSwitchTime;
  packet.switch_time = {Nanos{static_cast<std::int64_t>(stamps->ingress_global.value())}};
  packet.enqueue = stamps->enqueue.value() & valinor_n::kEnqueueMask;
  packet.queue_delay = stamps->dequeue_delta.value();
  packet.packet_bytes = stamps->packet_length.value();
  if (packet.packet_bytes == valinor_n::kUnknownLength) {
    packet.packet_bytes = 0;
    packet.flags |= flag::kLengthUnknown;
  }
  packet.flow.protocol = stamps->protocol.value();
  take_ipv4_addresses(ip_packet, packet.flow);
  anatomy.ip_offset = link.bytes;
  take_ports(frame, link.bytes + ip.header_bytes + sizeof(valinor_n::Timestamps), packet.flow,
             anatomy);
  return has_ports(packet.flow.protocol) && anatomy.ports_offset == 0 ? DropReason::truncated
                                                                      : DropReason::none;
}

}  // namespace

DropReason Decoder::decode_p4netintel(Bytes frame, const wire::Link& link, const RecordSlot& slot,
                                      Anatomy& anatomy) noexcept {
  const Bytes bytes = frame.subspan(link.bytes);
  p4netintel::Stack stack;
  const DropReason reason = p4netintel::locate(bytes, forced_layout_, last_layout_, stack);
  if (reason != DropReason::none) return reason;
  last_layout_ = stack.layout;

  PacketRecord& packet = *slot.packet;
  packet.format = Format::p4netintel;
  packet.layout = static_cast<std::uint8_t>(stack.layout);
  packet.hops_claimed = static_cast<std::uint16_t>(stack.traces);
  packet.hop_count = std::min(packet.hops_claimed, slot.max_hops);
  if (packet.hop_count < packet.hops_claimed) packet.flags |= flag::kHopsCut;
  if (stack.traces > p4netintel::kSwitchStackDepth) packet.flags |= flag::kManyHops;
  const std::byte* trace = bytes.data() + sizeof(p4netintel::IntHeader);
  for (std::uint32_t i = 0; i < packet.hop_count; ++i) {
    if (stack.has_host && i == stack.traces_before_host) trace += sizeof(p4netintel::IntHost);
    p4netintel::decode_trace(stack.layout, trace, slot.hops[i]);
    trace += p4netintel::trace_bytes(stack.layout);
  }
  if (stack.has_host) {
    p4netintel::IntHost host;
    std::memcpy(&host, bytes.data() + stack.host_offset(), sizeof host);
    take_host(host, packet);
  }

  const Bytes ip_packet = bytes.subspan(stack.ip_offset);
  const wire::Ip ip = wire::parse_ip(ip_packet, wire::ethertype::kIpv4);
  packet.flow.protocol = ip.protocol;
  take_ipv4_addresses(ip_packet, packet.flow);
  anatomy.ip_offset = link.bytes + stack.ip_offset;
  packet.packet_bytes = static_cast<std::uint32_t>(frame.size());
  if (ip.total_bytes > ip_packet.size()) {
    packet.packet_bytes = anatomy.ip_offset + ip.total_bytes;
    packet.flags |= flag::kMonitorCopy;
  }
  if (!ip.first_fragment) return DropReason::none;
  take_ports(frame, anatomy.ip_offset + ip.header_bytes, packet.flow, anatomy);
  if (!(packet.flags & flag::kMonitorCopy)) {
    take_rpc_id(ip_packet.first(ip.total_bytes).subspan(ip.header_bytes), packet);
  }
  return DropReason::none;
}

DropReason Decoder::decode(Bytes frame, wire::Decision decision, const RecordSlot& slot,
                           Anatomy& anatomy) noexcept {
  const auto link = wire::parse_link(frame);
  if (!link) return DropReason::truncated;
  switch (decision) {
    case wire::Decision::by_ethertype: return decode_p4netintel(frame, *link, slot, anatomy);
    case wire::Decision::by_ip_protocol: return decode_valinor_n(frame, *link, slot, anatomy);
    default: return DropReason::unknown_format;
  }
}

}  // namespace valinor::telemetry
