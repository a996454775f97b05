/// Finds the layers of a received frame. Nothing is copied; offsets count from the frame's start.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

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

/// Nothing where the frame ends inside the link layer.
[[nodiscard]] std::optional<Link> parse_link(Bytes frame) noexcept;

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

/// `packet` starts at the IP header; `ethertype` says which version is due.
[[nodiscard]] Ip parse_ip(Bytes packet, std::uint16_t ethertype) noexcept;

}  // namespace valinor::wire
