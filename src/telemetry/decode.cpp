#include "telemetry/decode.hpp"

#include <algorithm>
#include <bit>
#include <cstring>

#include "telemetry/flow.hpp"
#include "telemetry/format/valinor_n.hpp"
#include "wire/headers.hpp"
#include "wire/packet.hpp"

namespace valinor::telemetry {
namespace {

using wire::Bytes;

DropReason to_drop_reason(wire::IpError error) noexcept {
  return error == wire::IpError::truncated ? DropReason::truncated : DropReason::malformed_ip;
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

/// The first of the traces at `traces`; where an int_host stands between two of them, around it.
void decode_hops(const std::byte* traces, const p4netintel::Stack& stack,
                 std::span<HopRecord> hops) noexcept {
  const std::size_t before_host = std::min<std::size_t>(hops.size(), stack.traces_before_host);
  p4netintel::decode_traces(stack.layout, traces, hops.first(before_host));
  if (before_host == hops.size()) return;
  traces += before_host * p4netintel::trace_bytes(stack.layout) + sizeof(p4netintel::IntHost);
  p4netintel::decode_traces(stack.layout, traces, hops.subspan(before_host));
}

DropReason decode_valinor_n(Bytes frame, const wire::Link& link, const RecordSlot& slot,
                            Anatomy& anatomy) noexcept {
  if (link.ethertype != wire::ethertype::kIpv4) return DropReason::unknown_format;
  const Bytes ip_packet = frame.subspan(link.bytes);
  const wire::Ip ip = wire::parse_ip(ip_packet, link.ethertype);
  if (ip.error != wire::IpError::none) return to_drop_reason(ip.error);
  const Bytes stamps = ip_packet.subspan(ip.header_bytes);
  if (stamps.size() < sizeof(valinor_n::Timestamps)) return DropReason::truncated;
  if (!valinor_n::is_valinor_n(stamps.data())) return DropReason::unknown_format;

  PacketRecord& packet = *slot.packet;
  valinor_n::take_stamps(stamps.data(), packet);
  read_addresses(ip_packet, ip, packet.flow);
  packet.flow.protocol =
      wire::load_be<1>(stamps.data() + offsetof(valinor_n::Timestamps, protocol));
  anatomy.ip_offset = link.bytes;
  const std::uint32_t ports =
      link.bytes + ip.header_bytes + static_cast<std::uint32_t>(sizeof(valinor_n::Timestamps));
  if (!has_ports(packet.flow.protocol)) return DropReason::none;
  if (!read_ports(frame.subspan(ports), packet.flow)) return DropReason::truncated;
  anatomy.ports_offset = ports;
  return DropReason::none;
}

}  // namespace

DropReason Decoder::decode_p4netintel(Bytes frame, std::uint32_t wire_bytes, const RecordSlot& slot,
                                      Anatomy& anatomy) noexcept {
  const wire::Link& link = anatomy.link;
  const Bytes bytes = frame.subspan(link.bytes);
  p4netintel::Stack& stack = anatomy.stack;
  const DropReason reason = p4netintel::locate(bytes, forced_layout_, likely_layout_, stack);
  if (reason != DropReason::none) return reason;
  if (guesses_) likely_layout_ = stack.layout;

  PacketRecord& packet = *slot.packet;
  packet.format = Format::p4netintel;
  packet.layout = static_cast<std::uint8_t>(stack.layout);
  packet.hops_claimed = static_cast<std::uint16_t>(stack.traces);
  packet.hop_count = std::min(packet.hops_claimed, slot.max_hops);
  if (packet.hop_count < packet.hops_claimed) packet.flags |= flag::kHopsCut;
  if (stack.traces > p4netintel::kSwitchStackDepth) packet.flags |= flag::kManyHops;
  decode_hops(bytes.data() + sizeof(p4netintel::IntHeader), stack, {slot.hops, packet.hop_count});
  if (stack.has_host) {
    p4netintel::IntHost host;
    std::memcpy(&host, bytes.data() + stack.host_offset(), sizeof host);
    take_host(host, packet);
  }

  const Bytes ip_packet = bytes.subspan(stack.ip_offset);
  const wire::Ip ip = wire::parse_ipv4(ip_packet);
  read_addresses(ip_packet, ip, packet.flow);
  anatomy.has_stack = true;
  anatomy.ip_offset = link.bytes + stack.ip_offset;
  packet.packet_bytes = wire_bytes;
  if (anatomy.ip_offset + ip.total_bytes > wire_bytes) {
    packet.packet_bytes = anatomy.ip_offset + ip.total_bytes;
    packet.flags |= flag::kMonitorCopy;
  }
  if (!ip.first_fragment) return DropReason::none;
  const Bytes transport = ip_packet.subspan(ip.header_bytes);
  if (read_ports(transport, packet.flow))
    anatomy.ports_offset = anatomy.ip_offset + ip.header_bytes;
  if (!(packet.flags & flag::kMonitorCopy)) {
    const std::size_t without_padding = ip.total_bytes - ip.header_bytes;
    packet.rpc_id =
        read_rpc_id(transport.first(std::min(without_padding, transport.size())), ip.protocol);
    if (packet.rpc_id != 0) packet.flags |= flag::kRpcId;
  }
  return DropReason::none;
}

DropReason Decoder::decode_any(Bytes frame, std::uint32_t wire_bytes, wire::Decision decision,
                               const RecordSlot& slot, Anatomy& anatomy) noexcept {
  const auto link = wire::parse_link(frame);
  if (!link) return DropReason::truncated;
  anatomy.link = *link;
  if (wire_bytes > frame.size()) slot.packet->flags |= flag::kCaptureCut;
  switch (decision) {
    case wire::Decision::by_ethertype: return decode_p4netintel(frame, wire_bytes, slot, anatomy);
    case wire::Decision::by_ip_protocol: return decode_valinor_n(frame, *link, slot, anatomy);
    default: return DropReason::unknown_format;
  }
}

}  // namespace valinor::telemetry
