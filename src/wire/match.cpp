#include "wire/match.hpp"

#include "wire/headers.hpp"

namespace valinor::wire {

Match::Match(const MatchRules& rules)
    : has_udp_dst_ports_{!rules.udp_dst_ports.empty()}, dscp_{rules.dscp} {
  ethertypes_[ethertype::kIpv4] = Meaning::ipv4;
  for (const std::uint16_t ethertype : rules.ethertypes) {
    ethertypes_[ethertype] = Meaning::telemetry;
  }
  ethertypes_[ethertype::kVlan] = ethertypes_[ethertype::kQinq] = Meaning::tag;
  for (const std::uint16_t port : rules.udp_dst_ports) udp_dst_ports_.set(port);
  for (const std::uint8_t protocol : rules.ip_protocols) ip_protocols_.set(protocol);
}

Decision Match::decide_tagged(Bytes frame) const noexcept {
  const auto link = parse_tagged_link(frame);
  if (!link) return Decision::truncated;
  if (ethertypes_[link->ethertype] == Meaning::telemetry) return Decision::by_ethertype;
  return decide_by_ip(frame.subspan(link->bytes), link->ethertype);
}

/// Of what matches by no ethertype.
Decision Match::decide_by_ip(Bytes packet, std::uint16_t ethertype) const noexcept {
  if (ethertype != ethertype::kIpv4 && ethertype != ethertype::kIpv6) {
    return Decision::not_telemetry;
  }
  const Ip ip = parse_ip(packet, ethertype);
  if (ip.error != IpError::none) return Decision::truncated;
  if (ip_protocols_[ip.protocol]) return Decision::by_ip_protocol;
  const bool is_udp = ip.protocol == ip_protocol::kUdp;
  if (dscp_ && (is_udp || ip.protocol == ip_protocol::kTcp) &&
      (ip.dscp & dscp_->mask) == dscp_->value) {
    return Decision::by_dscp;
  }
  if (!is_udp || !ip.first_fragment || !has_udp_dst_ports_) return Decision::not_telemetry;
  const auto udp = Reader{packet.subspan(ip.header_bytes)}.read<UdpHeader>();
  if (!udp) return Decision::truncated;
  return udp_dst_ports_[udp->destination_port.value()] ? Decision::by_udp_port
                                                       : Decision::not_telemetry;
}

}  // namespace valinor::wire
