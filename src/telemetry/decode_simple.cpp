#include "telemetry/decode_simple.hpp"

#include <cstddef>

#include "telemetry/flow.hpp"
#include "telemetry/format/p4netintel_trace.hpp"
#include "telemetry/format/valinor_n.hpp"
#include "wire/checksum.hpp"
#include "wire/headers.hpp"

namespace valinor::telemetry {
namespace {

using p4netintel::Layout;
using wire::load_be;

constexpr std::size_t kEthertype = offsetof(wire::EthernetHeader, ethertype);
constexpr std::size_t kFirstTrace = sizeof(wire::EthernetHeader) + sizeof(p4netintel::IntHeader);
constexpr std::size_t kPorts = sizeof(wire::Ipv4Header);  // from the IPv4 header's first byte
constexpr std::size_t kRpcId = kPorts + sizeof(wire::UdpHeader);
constexpr std::size_t kBehindTraces = kRpcId + sizeof(wire::Be<4>);

/// `ip` is followed by kBehindTraces bytes at least, `bytes` in all.
bool is_simple_udp(const std::byte* ip, std::size_t bytes) noexcept {
  constexpr unsigned kVersion4NoOptions = 0x45;
  const std::uint64_t first = load_be<8>(ip);  // version and length, DSCP, total; id, fragment
  const std::size_t total_bytes = first >> 32 & 0xffff;
  return first >> 56 == kVersion4NoOptions && (first & 0x1fff) == 0 &&
         load_be<1>(ip + offsetof(wire::Ipv4Header, protocol)) == wire::ip_protocol::kUdp &&
         total_bytes >= kBehindTraces && total_bytes <= bytes;
}

/// The chain of next_proto holds, and `hops` are what the traces say.
template <Layout kLayout>
bool decode_chain(const std::byte* trace, HopRecord* hop, std::uint32_t traces) noexcept {
  constexpr std::size_t kStep = p4netintel::trace_bytes(kLayout);
  const auto next_proto = [&] { return load_be<2>(trace + kStep - 2); };
  for (; traces != 1; --traces, ++hop, trace += kStep) {
    if (next_proto() != p4netintel::kNextIsTrace) return false;
    p4netintel::decode_one<kLayout>(trace, *hop);
  }
  if (next_proto() != p4netintel::kNextIsIpv4) return false;
  p4netintel::decode_one<kLayout>(trace, *hop);
  return true;
}

/// Not inlined: each layout has its registers for itself.
template <Layout kLayout>
[[gnu::noinline]] bool decode_as(wire::Bytes frame, const RecordSlot& slot, Anatomy* anatomy,
                                 bool guessed) noexcept {
  if (frame.size() < kFirstTrace + kBehindTraces) return false;
  const std::byte* const first = frame.data();
  const std::uint32_t traces = load_be<4>(first + sizeof(wire::EthernetHeader));
  if (traces == 0 || traces > slot.max_hops) return false;
  const std::size_t ip_offset = kFirstTrace + traces * p4netintel::trace_bytes(kLayout);
  if (frame.size() < ip_offset + kBehindTraces) return false;
  const std::byte* const ip = first + ip_offset;
  if (!is_simple_udp(ip, frame.size() - ip_offset)) return false;
  if (traces == 1 && guessed && !wire::plain_ipv4_checksum_holds(ip)) return false;
  if (!decode_chain<kLayout>(first + kFirstTrace, slot.hops, traces)) return false;

  PacketRecord& packet = *slot.packet;
  packet.format = Format::p4netintel;
  packet.layout = static_cast<std::uint8_t>(kLayout);
  packet.hops_claimed = packet.hop_count = static_cast<std::uint16_t>(traces);
  packet.packet_bytes = static_cast<std::uint32_t>(frame.size());
  packet.rpc_id = load_be<4>(ip + kRpcId);
  packet.flags = (packet.rpc_id != 0 ? flag::kRpcId : 0) |
                 (traces > p4netintel::kSwitchStackDepth ? flag::kManyHops : 0);
  map_ipv4(ip + offsetof(wire::Ipv4Header, source), packet.flow.source);
  map_ipv4(ip + offsetof(wire::Ipv4Header, destination), packet.flow.destination);
  packet.flow.protocol = wire::ip_protocol::kUdp;
  packet.flow.source_port = load_be<2>(ip + kPorts);
  packet.flow.destination_port = load_be<2>(ip + kPorts + 2);

  if (anatomy == nullptr) return true;
  anatomy->link = {.ethertype = load_be<2>(first + kEthertype),
                   .bytes = sizeof(wire::EthernetHeader)};
  anatomy->stack.traces = anatomy->stack.traces_before_host = traces;
  anatomy->stack.layout = kLayout;
  anatomy->stack.ip_offset = static_cast<std::uint32_t>(ip_offset - sizeof(wire::EthernetHeader));
  anatomy->has_stack = true;
  anatomy->ip_offset = static_cast<std::uint32_t>(ip_offset);
  anatomy->ports_offset = static_cast<std::uint32_t>(ip_offset + kPorts);
  return true;
}

}  // namespace

bool decode_simple_p4netintel(wire::Bytes frame, const RecordSlot& slot, Anatomy* anatomy,
                              bool guessed, Layout layout) noexcept {
  switch (layout) {
    case Layout::discrete: return decode_as<Layout::discrete>(frame, slot, anatomy, guessed);
    case Layout::depth_only: return decode_as<Layout::depth_only>(frame, slot, anatomy, guessed);
    case Layout::standard: return decode_as<Layout::standard>(frame, slot, anatomy, guessed);
    case Layout::full: return decode_as<Layout::full>(frame, slot, anatomy, guessed);
  }
  return false;
}

bool decode_simple_valinor_n(wire::Bytes frame, const RecordSlot& slot, Anatomy* anatomy) noexcept {
  constexpr std::size_t kIp = sizeof(wire::EthernetHeader);
  constexpr std::size_t kStamps = kIp + sizeof(wire::Ipv4Header);
  constexpr std::size_t kInnerPorts = kStamps + sizeof(valinor_n::Timestamps);
  if (frame.size() < kInnerPorts + 4) return false;
  const std::byte* const first = frame.data();
  const std::byte* const ip = first + kIp;
  const std::byte* const stamps = first + kStamps;
  const auto protocol = load_be<1>(stamps + offsetof(valinor_n::Timestamps, protocol));
  if (load_be<2>(first + kEthertype) != wire::ethertype::kIpv4 ||
      !wire::is_plain_ipv4(frame.subspan(kIp)) || !valinor_n::is_valinor_n(stamps) ||
      !has_ports(protocol)) {
    return false;
  }
  PacketRecord& packet = *slot.packet;
  valinor_n::take_stamps(stamps, packet);
  map_ipv4(ip + offsetof(wire::Ipv4Header, source), packet.flow.source);
  map_ipv4(ip + offsetof(wire::Ipv4Header, destination), packet.flow.destination);
  packet.flow.protocol = protocol;
  packet.flow.source_port = load_be<2>(first + kInnerPorts);
  packet.flow.destination_port = load_be<2>(first + kInnerPorts + 2);
  if (anatomy == nullptr) return true;
  anatomy->link = {.ethertype = wire::ethertype::kIpv4, .bytes = kIp};
  anatomy->ip_offset = kIp;
  anatomy->ports_offset = kInnerPorts;
  return true;
}

}  // namespace valinor::telemetry
