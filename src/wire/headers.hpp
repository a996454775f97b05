/// The headers of Ethernet, IP, UDP and TCP.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "wire/be.hpp"

namespace valinor::wire {

namespace ethertype {
inline constexpr std::uint16_t kIpv4 = 0x0800;
inline constexpr std::uint16_t kVlan = 0x8100;  // IEEE 802.1Q customer tag
inline constexpr std::uint16_t kQinq = 0x88a8;  // IEEE 802.1ad service tag
inline constexpr std::uint16_t kIpv6 = 0x86dd;
}  // namespace ethertype

namespace ip_protocol {  // IANA "Assigned Internet Protocol Numbers"
inline constexpr std::uint8_t kIpv6HopByHop = 0;
inline constexpr std::uint8_t kTcp = 6;
inline constexpr std::uint8_t kUdp = 17;
inline constexpr std::uint8_t kIpv6Routing = 43;
inline constexpr std::uint8_t kIpv6Fragment = 44;
inline constexpr std::uint8_t kIpv6Destination = 60;
}  // namespace ip_protocol

using MacAddress = std::array<std::byte, 6>;

struct EthernetHeader {  // IEEE 802.3, section 3.1.1
  MacAddress destination;
  MacAddress source;
  Be<2> ethertype;
};
static_assert(sizeof(EthernetHeader) == 14);

struct VlanTag {  // IEEE 802.1Q, section 9.6: what follows the tag's own ethertype
  Be<2> control;
  Be<2> ethertype;
};
static_assert(sizeof(VlanTag) == 4);

struct Ipv4Header {  // RFC 791, section 3.1
  Be<1> version_and_header_words;
  Be<1> dscp_and_ecn;
  Be<2> total_bytes;
  Be<2> identification;
  Be<2> flags_and_fragment;  // 3 bits of flags, 13 bits of offset in 8-byte units
  Be<1> time_to_live;
  Be<1> protocol;
  Be<2> checksum;
  Be<4> source;
  Be<4> destination;
};
static_assert(sizeof(Ipv4Header) == 20);

struct Ipv6Header {  // RFC 8200, section 3
  Be<4> version_class_flow;
  Be<2> payload_bytes;
  Be<1> next_header;
  Be<1> hop_limit;
  std::array<std::byte, 16> source;
  std::array<std::byte, 16> destination;
};
static_assert(sizeof(Ipv6Header) == 40);

struct Ipv6Extension {  // RFC 8200, sections 4.3, 4.4 and 4.6: the common start
  Be<1> next_header;
  Be<1> length;  // in 8-byte units, without the first one
  Be<2> rest[3];
};
static_assert(sizeof(Ipv6Extension) == 8);

struct UdpHeader {  // RFC 768
  Be<2> source_port;
  Be<2> destination_port;
  Be<2> length;
  Be<2> checksum;
};
static_assert(sizeof(UdpHeader) == 8);

struct TcpHeader {  // RFC 9293, section 3.1
  Be<2> source_port;
  Be<2> destination_port;
  Be<4> sequence;
  Be<4> acknowledgment;
  Be<2> offset_and_flags;
  Be<2> window;
  Be<2> checksum;
  Be<2> urgent;
};
static_assert(sizeof(TcpHeader) == 20);

}  // namespace valinor::wire
