/// Finds the layers of a received frame. Nothing is copied; offsets count from the frame's start.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "wire/headers.hpp"
#include "wire/reader.hpp"

namespace valinor::wire {

/// How many VLAN tags are looked behind; the XDP program uses the same number.
inline constexpr unsigned kMaxVlanTags = 2;

/// How many IPv6 extension headers are walked over; the XDP program uses the same number. RFC 8200,
/// section 4.1 knows four kinds before the upper layer, of which one may come twice.
inline constexpr unsigned kMaxIpv6Extensions = 5;

/// The link layer: Ethernet and up to kMaxVlanTags tags.
struct Link {
  std::uint16_t ethertype = 0;  // of what follows the tags
  std::uint16_t bytes = 0;      // where that starts
};

/// parse_link() of a frame that starts with a VLAN tag.
[[nodiscard]] std::optional<Link> parse_tagged_link(Bytes frame) noexcept;

[[nodiscard]] constexpr bool is_tag(std::uint16_t ethertype) noexcept {
  return ethertype == ethertype::kVlan || ethertype == ethertype::kQinq;
}

/// Nothing where the frame ends inside the link layer.
[[nodiscard]] inline std::optional<Link> parse_link(Bytes frame) noexcept {
  if (frame.size() < sizeof(EthernetHeader)) return std::nullopt;
  const std::uint16_t type = load_be<2>(frame.data() + offsetof(EthernetHeader, ethertype));
  if (is_tag(type)) [[unlikely]]
    return parse_tagged_link(frame);
  return Link{.ethertype = type, .bytes = sizeof(EthernetHeader)};
}

enum class IpError : std::uint8_t { none, truncated, malformed };

/// The network layer, IPv4 (with options) or IPv6 (with extension headers).
struct Ip {
  IpError error = IpError::none;   // with an error, no other field means anything
  std::uint8_t version = 0;        // 4 or 6
  std::uint8_t protocol = 0;       // of what follows the options or extension headers
  std::uint8_t dscp = 0;           // 6 bits
  bool first_fragment = true;      // false: a later fragment, so no transport header follows
  bool fragment = false;           // part of a fragmented packet, the first part included
  std::uint16_t header_bytes = 0;  // IPv4 header with options, IPv6 header with extensions
  std::uint32_t total_bytes =
      0;  // header and payload as the header claims; not compared with the frame
};

[[nodiscard]] inline Ip parse_ipv4(Bytes packet) noexcept {
  const auto header = Reader{packet}.read<Ipv4Header>();
  if (!header) return {.error = IpError::truncated};
  const unsigned version_and_words = header->version_and_header_words.value();
  const unsigned header_bytes = (version_and_words & 0xf) * 4;
  if (version_and_words >> 4 != 4 || header_bytes < sizeof(Ipv4Header)) {
    return {.error = IpError::malformed};
  }
  if (packet.size() < header_bytes) return {.error = IpError::truncated};
  const unsigned fragment = header->flags_and_fragment.value();
  return {.version = 4,
          .protocol = header->protocol.value(),
          .dscp = static_cast<std::uint8_t>(header->dscp_and_ecn.value() >> 2),
          .first_fragment = (fragment & 0x1fff) == 0,
          .fragment = (fragment & 0x3fff) != 0,
          .header_bytes = static_cast<std::uint16_t>(header_bytes),
          .total_bytes = header->total_bytes.value()};
}

/// Whether an IPv4 header without options stands at `packet`, all of it.
[[nodiscard]] inline bool is_plain_ipv4(Bytes packet) noexcept {
  return packet.size() >= sizeof(Ipv4Header) && packet[0] == std::byte{0x45};
}

[[nodiscard]] Ip parse_ipv6(Bytes packet) noexcept;

/// `packet` starts at the IP header; `ethertype` says which version is due. Where that is a number
/// that the compiler knows, the other version costs nothing.
[[nodiscard]] inline Ip parse_ip(Bytes packet, std::uint16_t ethertype) noexcept {
  if (ethertype == ethertype::kIpv4) return parse_ipv4(packet);
  if (ethertype == ethertype::kIpv6) return parse_ipv6(packet);
  return {.error = IpError::malformed};
}

}  // namespace valinor::wire
