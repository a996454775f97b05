#include "wire/packet.hpp"

namespace valinor::wire {
namespace {

constexpr Ip kTruncated{.error = IpError::truncated};
constexpr Ip kMalformed{.error = IpError::malformed};

/// A header that is walked over: its protocol number is one of those that RFC 8200 chains.
constexpr bool is_extension(std::uint8_t protocol) noexcept {
  return protocol == ip_protocol::kIpv6HopByHop || protocol == ip_protocol::kIpv6Routing ||
         protocol == ip_protocol::kIpv6Destination || protocol == ip_protocol::kIpv6Fragment;
}

}  // namespace

Ip parse_ipv6(Bytes packet) noexcept {
  Reader reader{packet};
  const auto header = reader.read<Ipv6Header>();
  if (!header) return kTruncated;
  const std::uint32_t version_class_flow = header->version_class_flow.value();
  if (version_class_flow >> 28 != 6) return kMalformed;
  Ip ip{.version = 6,
        .protocol = header->next_header.value(),
        .dscp = static_cast<std::uint8_t>(version_class_flow >> 22 & 0x3f),
        .header_bytes = sizeof(Ipv6Header),
        .total_bytes =
            static_cast<std::uint32_t>(sizeof(Ipv6Header)) + header->payload_bytes.value()};
  for (unsigned i = 0; i < kMaxIpv6Extensions && is_extension(ip.protocol); ++i) {
    const auto extension = reader.read<Ipv6Extension>();
    if (!extension) return kTruncated;
    std::size_t bytes = sizeof(Ipv6Extension);
    if (ip.protocol == ip_protocol::kIpv6Fragment) {  // RFC 8200, section 4.5: always 8 bytes
      const unsigned fragment = extension->rest[0].value();
      ip.first_fragment = (fragment & 0xfff8) == 0;
      ip.fragment = true;
    } else {
      const std::size_t more = std::size_t{extension->length.value()} * 8;
      if (!reader.take(more)) return kTruncated;
      bytes += more;
    }
    ip.header_bytes = static_cast<std::uint16_t>(ip.header_bytes + bytes);
    ip.protocol = extension->next_header.value();
    if (!ip.first_fragment) break;  // the rest is payload
  }
  return ip;
}

std::optional<Link> parse_tagged_link(Bytes frame) noexcept {
  Reader reader{frame};
  const auto header = reader.read<EthernetHeader>();
  if (!header) return std::nullopt;
  Link link{.ethertype = header->ethertype.value(), .bytes = sizeof(EthernetHeader)};
  for (unsigned i = 0; i < kMaxVlanTags; ++i) {
    if (!is_tag(link.ethertype)) break;
    const auto tag = reader.read<VlanTag>();
    if (!tag) return std::nullopt;
    link.ethertype = tag->ethertype.value();
    link.bytes = static_cast<std::uint16_t>(link.bytes + sizeof(VlanTag));
  }
  return link;
}

}  // namespace valinor::wire
