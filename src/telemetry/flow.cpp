#include "telemetry/flow.hpp"

#include <algorithm>
#include <cstring>

#include "wire/headers.hpp"

namespace valinor::telemetry {
namespace {

/// ::ffff:a.b.c.d from four bytes in network order, RFC 4291, section 2.5.5.2.
void map_ipv4(const std::byte* address, std::array<std::byte, 16>& out) noexcept {
  out = {};
  out[10] = out[11] = std::byte{0xff};
  std::memcpy(out.data() + 12, address, 4);
}

}  // namespace

bool has_ports(std::uint8_t protocol) noexcept {
  return protocol == wire::ip_protocol::kTcp || protocol == wire::ip_protocol::kUdp;
}

void read_addresses(wire::Bytes packet, const wire::Ip& ip, FlowKey& flow) noexcept {
  flow.protocol = ip.protocol;
  if (ip.version == 4) {
    map_ipv4(packet.data() + offsetof(wire::Ipv4Header, source), flow.source);
    map_ipv4(packet.data() + offsetof(wire::Ipv4Header, destination), flow.destination);
    return;
  }
  const std::byte* addresses = packet.data() + offsetof(wire::Ipv6Header, source);
  std::copy_n(addresses, 16, flow.source.begin());
  std::copy_n(addresses + 16, 16, flow.destination.begin());
}

bool read_ports(wire::Bytes transport, FlowKey& flow) noexcept {
  if (!has_ports(flow.protocol) || transport.size() < 4) return false;
  flow.source_port = wire::load_be<2>(transport.data());
  flow.destination_port = wire::load_be<2>(transport.data() + 2);
  return true;
}

std::uint32_t read_rpc_id(wire::Bytes transport, std::uint8_t protocol) noexcept {
  std::size_t offset = sizeof(wire::UdpHeader);
  if (protocol == wire::ip_protocol::kTcp) {
    const auto tcp = wire::Reader{transport}.read<wire::TcpHeader>();
    if (!tcp) return 0;
    offset = std::size_t{tcp->offset_and_flags.value()} >> 12 << 2;
    if (offset < sizeof(wire::TcpHeader)) return 0;
  } else if (protocol != wire::ip_protocol::kUdp) {
    return 0;
  }
  return transport.size() < offset + 4 ? 0 : wire::load_be<4>(transport.data() + offset);
}

bool read_rpc(wire::Bytes packet, FlowKey& flow, std::uint32_t& rpc_id) noexcept {
  const wire::Ip ip = wire::parse_ip(packet, wire::ethertype::kIpv4);
  if (ip.error != wire::IpError::none || ip.fragment || ip.total_bytes < ip.header_bytes ||
      ip.total_bytes > packet.size()) {
    return false;
  }
  const wire::Bytes transport = packet.first(ip.total_bytes).subspan(ip.header_bytes);
  read_addresses(packet, ip, flow);
  rpc_id = read_rpc_id(transport, ip.protocol);
  return rpc_id != 0 && read_ports(transport, flow);
}

}  // namespace valinor::telemetry
