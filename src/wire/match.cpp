#include "wire/match.hpp"

#include <algorithm>

#include "wire/headers.hpp"
#include "wire/packet.hpp"

namespace valinor::wire {
namespace {

bool contains(const std::vector<std::uint16_t>& values, std::uint16_t value) noexcept {
  return std::find(values.begin(), values.end(), value) != values.end();
}

}  // namespace

Match::Match(const MatchRules& rules)
    : ethertypes_{rules.ethertypes}, udp_dst_ports_{rules.udp_dst_ports}, dscp_{rules.dscp} {
  for (const std::uint8_t protocol : rules.ip_protocols) ip_protocols_.set(protocol);
}

Decision Match::decide(Bytes frame) const noexcept {
  const auto link = parse_link(frame);
  if (!link) return Decision::truncated;
  if (contains(ethertypes_, link->ethertype)) return Decision::by_ethertype;
  if (link->ethertype != ethertype::kIpv4 && link->ethertype != ethertype::kIpv6) {
    return Decision::not_telemetry;
  }
  const Bytes packet = frame.subspan(link->bytes);
  const Ip ip = parse_ip(packet, link->ethertype);
  if (ip.error != IpError::none) return Decision::truncated;
  if (ip_protocols_.test(ip.protocol)) return Decision::by_ip_protocol;
  const bool is_udp = ip.protocol == ip_protocol::kUdp;
  if (dscp_ && (is_udp || ip.protocol == ip_protocol::kTcp) &&
      (ip.dscp & dscp_->mask) == dscp_->value) {
    return Decision::by_dscp;
  }
  if (!is_udp || !ip.first_fragment || udp_dst_ports_.empty()) return Decision::not_telemetry;
  const auto udp = Reader{packet.subspan(ip.header_bytes)}.read<UdpHeader>();
  if (!udp) return Decision::truncated;
  return contains(udp_dst_ports_, udp->destination_port.value()) ? Decision::by_udp_port
                                                                 : Decision::not_telemetry;
}

}  // namespace valinor::wire
