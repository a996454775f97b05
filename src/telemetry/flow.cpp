#include "telemetry/flow.hpp"

#include "wire/headers.hpp"

namespace valinor::telemetry {

std::uint32_t read_tcp_rpc_id(wire::Bytes transport) noexcept {
  const auto tcp = wire::Reader{transport}.read<wire::TcpHeader>();
  if (!tcp) return 0;
  const std::size_t offset = std::size_t{tcp->offset_and_flags.value()} >> 12 << 2;
  if (offset < sizeof(wire::TcpHeader)) return 0;
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
