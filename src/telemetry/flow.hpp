/// Reads what identifies a packet's flow and RPC.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "telemetry/record.hpp"
#include "wire/headers.hpp"
#include "wire/packet.hpp"
#include "wire/reader.hpp"

namespace valinor::telemetry {

/// TCP and UDP.
[[nodiscard]] constexpr bool has_ports(std::uint8_t protocol) noexcept {
  return protocol == wire::ip_protocol::kTcp || protocol == wire::ip_protocol::kUdp;
}

/// ::ffff:0.0.0.0
inline constexpr std::array<std::byte, 16> kIpv4Mapped = [] {
  std::array<std::byte, 16> address{};
  address[10] = address[11] = std::byte{0xff};
  return address;
}();

/// ::ffff:a.b.c.d from four bytes in network order, RFC 4291, section 2.5.5.2.
inline void map_ipv4(const std::byte* address, std::array<std::byte, 16>& out) noexcept {
  out = kIpv4Mapped;
  std::memcpy(out.data() + 12, address, 4);
}

/// Addresses and protocol; ports stay as they are. `packet` starts at the IP header that `ip` was
/// parsed from.
inline void read_addresses(wire::Bytes packet, const wire::Ip& ip, FlowKey& flow) noexcept {
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

/// Ports, where `flow.protocol` has them and `transport` holds them; answers whether.
inline bool read_ports(wire::Bytes transport, FlowKey& flow) noexcept {
  if (!has_ports(flow.protocol) || transport.size() < 4) return false;
  flow.source_port = wire::load_be<2>(transport.data());
  flow.destination_port = wire::load_be<2>(transport.data() + 2);
  return true;
}

/// read_rpc_id() of TCP.
[[nodiscard]] std::uint32_t read_tcp_rpc_id(wire::Bytes transport) noexcept;

/// The RPC id: the first word behind the UDP or TCP header; 0 where there is none. (The original
/// looks behind 20 bytes of TCP whatever its options, and so takes options for an id.)
[[nodiscard]] inline std::uint32_t read_rpc_id(wire::Bytes transport,
                                               std::uint8_t protocol) noexcept {
  if (protocol == wire::ip_protocol::kTcp) return read_tcp_rpc_id(transport);
  constexpr std::size_t kUdp = sizeof(wire::UdpHeader);
  if (protocol != wire::ip_protocol::kUdp || transport.size() < kUdp + 4) return 0;
  return wire::load_be<4>(transport.data() + kUdp);
}

/// The flow and RPC id of an unfragmented IPv4 packet; false where it has no ports or no id.
/// `packet` starts at the IP header.
[[nodiscard]] bool read_rpc(wire::Bytes packet, FlowKey& flow, std::uint32_t& rpc_id) noexcept;

}  // namespace valinor::telemetry
