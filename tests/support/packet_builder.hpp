/// Builds frames layer by layer, outermost first; lengths and IPv4 checksums come out right.
///
///   PacketBuilder{}.ethernet().vlan(7).ipv4(17).udp(4321, 1234).payload(20).build()
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "telemetry/format/p4netintel.hpp"
#include "telemetry/format/valinor_n.hpp"
#include "telemetry/record.hpp"

namespace valinor::test {

using Frame = std::vector<std::byte>;

class PacketBuilder {
 public:
  PacketBuilder& ethernet();
  PacketBuilder& vlan(std::uint16_t id, std::uint16_t tag_ethertype = 0x8100);
  PacketBuilder& ethertype(std::uint16_t value);  // of the last ethernet() or vlan()

  /// int_header and `hops`, newest first, chained to what is added next: int_host() or ipv4().
  PacketBuilder& p4netintel(telemetry::p4netintel::Layout layout,
                            const std::vector<telemetry::HopRecord>& hops);
  PacketBuilder& int_host(std::uint64_t requests, std::uint64_t host_time_ns,
                          bool little_endian = false);

  PacketBuilder& ipv4(std::uint8_t protocol, std::size_t option_bytes = 0, std::uint8_t dscp = 0);
  PacketBuilder& fragment(std::uint16_t flags_and_offset);  // of the last ipv4()
  PacketBuilder& ipv6(std::uint8_t next_header, std::uint8_t dscp = 0);
  PacketBuilder& ipv6_extension(std::uint8_t kind,
                                std::uint8_t extra_words = 0);  // before what follows
  PacketBuilder& valinor_n(const telemetry::valinor_n::Timestamps& stamps);
  PacketBuilder& udp(std::uint16_t source, std::uint16_t destination);
  PacketBuilder& tcp(std::uint16_t source, std::uint16_t destination, std::size_t option_bytes = 0);
  PacketBuilder& rpc_id(std::uint32_t id);
  PacketBuilder& payload(std::size_t bytes);

  [[nodiscard]] Frame build() const;

 private:
  template <class Header>
  void append(const Header& header);

  Frame bytes_;
  std::size_t ethertype_at_ = 0;
  std::size_t next_proto_at_ = 0;  // of the last trace or int_host
  std::size_t ip_at_ = 0;          // 0: none yet
  bool ip_is_v4_ = false;
  std::size_t next_header_at_ = 0;  // of the last IPv6 header or extension
  std::size_t udp_at_ = 0;
};

/// A hop whose every field that `layout` carries differs from the others' and from 0.
[[nodiscard]] telemetry::HopRecord sample_hop(telemetry::p4netintel::Layout layout,
                                              std::uint32_t number);

/// A header with every field set that Valinor-N sets.
[[nodiscard]] telemetry::valinor_n::Timestamps sample_stamps(std::uint8_t protocol = 17);

}  // namespace valinor::test
