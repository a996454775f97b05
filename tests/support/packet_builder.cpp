#include "support/packet_builder.hpp"

#include <cstring>

#include "wire/checksum.hpp"
#include "wire/headers.hpp"

namespace valinor::test {
namespace {

namespace p4 = telemetry::p4netintel;
namespace vn = telemetry::valinor_n;

constexpr std::uint32_t kSource = 0x0a000101;       // 10.0.1.1
constexpr std::uint32_t kDestination = 0x0a000303;  // 10.0.3.3

}  // namespace

template <class Header>
void PacketBuilder::append(const Header& header) {
  const auto* bytes = reinterpret_cast<const std::byte*>(&header);
  bytes_.insert(bytes_.end(), bytes, bytes + sizeof header);
}

PacketBuilder& PacketBuilder::ethernet() {
  wire::EthernetHeader header{};
  header.destination = {std::byte{8}, {}, {}, {}, std::byte{4}, {}};
  header.source = {std::byte{8}, {}, {}, {}, std::byte{1}, {}};
  append(header);
  ethertype_at_ = bytes_.size() - 2;
  return *this;
}

PacketBuilder& PacketBuilder::ethertype(std::uint16_t value) {
  wire::store_be<2>(bytes_.data() + ethertype_at_, value);
  return *this;
}

PacketBuilder& PacketBuilder::vlan(std::uint16_t id, std::uint16_t tag_ethertype) {
  ethertype(tag_ethertype);
  append(wire::VlanTag{.control = wire::Be<2>{id}, .ethertype = {}});
  ethertype_at_ = bytes_.size() - 2;
  return *this;
}

PacketBuilder& PacketBuilder::p4netintel(p4::Layout layout,
                                         const std::vector<telemetry::HopRecord>& hops) {
  ethertype(p4::kEthertype);
  append(p4::IntHeader{.traces = wire::Be<4>{static_cast<std::uint32_t>(hops.size())}});
  for (const telemetry::HopRecord& hop : hops) {
    const std::size_t at = bytes_.size();
    bytes_.resize(at + p4::trace_bytes(layout));
    p4::encode_trace(layout, hop, p4::kNextIsTrace, bytes_.data() + at);
    next_proto_at_ = bytes_.size() - 2;
  }
  return *this;
}

PacketBuilder& PacketBuilder::int_host(std::uint64_t requests, std::uint64_t host_time_ns,
                                       bool little_endian) {
  if (next_proto_at_ != 0) wire::store_be<2>(bytes_.data() + next_proto_at_, p4::kNextIsHost);
  if (little_endian) {
    requests = __builtin_bswap64(requests);
    host_time_ns = __builtin_bswap64(host_time_ns);
  }
  append(p4::IntHost{.requests = wire::Be<8>{requests},
                     .host_time_ns = wire::Be<8>{host_time_ns},
                     .next_proto = {}});
  next_proto_at_ = bytes_.size() - 2;
  return *this;
}

PacketBuilder& PacketBuilder::ipv4(std::uint8_t protocol, std::size_t option_bytes,
                                   std::uint8_t dscp) {
  if (next_proto_at_ != 0) {
    wire::store_be<2>(bytes_.data() + next_proto_at_, p4::kNextIsIpv4);
  } else if (wire::load_be<2>(bytes_.data() + ethertype_at_) != p4::kEthertype) {
    ethertype(wire::ethertype::kIpv4);
  }
  ip_at_ = bytes_.size();
  ip_is_v4_ = true;
  wire::Ipv4Header header{};
  header.version_and_header_words =
      static_cast<std::uint8_t>(0x40 | ((sizeof header + option_bytes) / 4));
  header.dscp_and_ecn = static_cast<std::uint8_t>(dscp << 2);
  header.identification = 1;
  header.time_to_live = 64;
  header.protocol = protocol;
  header.source = kSource;
  header.destination = kDestination;
  append(header);
  bytes_.resize(bytes_.size() + option_bytes, std::byte{1});  // no-operation options
  return *this;
}

PacketBuilder& PacketBuilder::fragment(std::uint16_t flags_and_offset) {
  wire::store_be<2>(bytes_.data() + ip_at_ + offsetof(wire::Ipv4Header, flags_and_fragment),
                    flags_and_offset);
  return *this;
}

PacketBuilder& PacketBuilder::ipv6(std::uint8_t next_header, std::uint8_t dscp) {
  ethertype(wire::ethertype::kIpv6);
  ip_at_ = bytes_.size();
  ip_is_v4_ = false;
  wire::Ipv6Header header{};
  header.version_class_flow = 6u << 28 | static_cast<std::uint32_t>(dscp) << 22;
  header.next_header = next_header;
  header.hop_limit = 64;
  header.source[15] = std::byte{1};
  header.destination[15] = std::byte{2};
  append(header);
  next_header_at_ = ip_at_ + offsetof(wire::Ipv6Header, next_header);
  return *this;
}

PacketBuilder& PacketBuilder::ipv6_extension(std::uint8_t kind, std::uint8_t extra_words) {
  const std::byte upper = bytes_[next_header_at_];
  bytes_[next_header_at_] = std::byte{kind};
  next_header_at_ = bytes_.size();
  bytes_.resize(bytes_.size() + sizeof(wire::Ipv6Extension) + std::size_t{extra_words} * 8);
  bytes_[next_header_at_] = upper;
  bytes_[next_header_at_ + 1] = std::byte{extra_words};
  return *this;
}

PacketBuilder& PacketBuilder::valinor_n(const vn::Timestamps& stamps) {
  append(stamps);
  return *this;
}

PacketBuilder& PacketBuilder::udp(std::uint16_t source, std::uint16_t destination) {
  udp_at_ = bytes_.size();
  append(wire::UdpHeader{.source_port = wire::Be<2>{source},
                         .destination_port = wire::Be<2>{destination},
                         .length = {},
                         .checksum = {}});
  return *this;
}

PacketBuilder& PacketBuilder::tcp(std::uint16_t source, std::uint16_t destination,
                                  std::size_t option_bytes) {
  wire::TcpHeader header{};
  header.source_port = source;
  header.destination_port = destination;
  header.offset_and_flags =
      static_cast<std::uint16_t>((sizeof header + option_bytes) / 4 << 12 | 0x10);  // ACK
  append(header);
  bytes_.resize(bytes_.size() + option_bytes, std::byte{1});  // no-operation options
  return *this;
}

PacketBuilder& PacketBuilder::rpc_id(std::uint32_t id) {
  append(wire::Be<4>{id});
  return *this;
}

PacketBuilder& PacketBuilder::payload(std::size_t bytes) {
  bytes_.resize(bytes_.size() + bytes, std::byte{'a'});
  return *this;
}

Frame PacketBuilder::build() const {
  Frame frame = bytes_;
  if (udp_at_ != 0) {
    wire::store_be<2>(frame.data() + udp_at_ + offsetof(wire::UdpHeader, length),
                      static_cast<std::uint16_t>(frame.size() - udp_at_));
  }
  if (ip_at_ == 0) return frame;
  std::byte* ip = frame.data() + ip_at_;
  const std::size_t ip_bytes = frame.size() - ip_at_;
  if (!ip_is_v4_) {
    wire::store_be<2>(ip + offsetof(wire::Ipv6Header, payload_bytes),
                      static_cast<std::uint16_t>(ip_bytes - sizeof(wire::Ipv6Header)));
    return frame;
  }
  wire::store_be<2>(ip + offsetof(wire::Ipv4Header, total_bytes),
                    static_cast<std::uint16_t>(ip_bytes));
  const std::size_t header_bytes = (std::to_integer<std::size_t>(ip[0]) & 0xf) * 4;
  wire::store_be<2>(ip + offsetof(wire::Ipv4Header, checksum),
                    static_cast<std::uint16_t>(~wire::ones_complement_sum({ip, header_bytes})));
  return frame;
}

telemetry::HopRecord sample_hop(p4::Layout layout, std::uint32_t number) {
  telemetry::HopRecord hop;
  const bool discrete = layout == p4::Layout::discrete;
  hop.node_id = discrete ? 0xa0 + number : 0xa1b2c300 + number;
  hop.enqueue_depth = discrete ? 2 : 0x5a5a0 + number;
  if (layout == p4::Layout::depth_only) return hop;
  hop.ingress_port = static_cast<std::uint16_t>(0x155 - number);
  hop.egress_port = static_cast<std::uint16_t>(0x0aa + number);
  hop.enqueue_time = 0x81020304 + number;
  hop.queue_delay = 0x8a0b0c0d - number;
  hop.dequeue_depth = discrete ? 1 : 0x4c3d0 + number;
  hop.fields = telemetry::hop_field::kPorts | telemetry::hop_field::kEnqueueTime |
               telemetry::hop_field::kDequeueDepth;
  if (discrete || layout == p4::Layout::full) {
    hop.previous_time = 0x998877665500 + number;
    hop.fields |= telemetry::hop_field::kPreviousTime;
  }
  if (discrete) return hop;
  hop.ingress_time = 0x912233445566 + number;
  hop.egress_time = 0x9122334455aa + number;
  hop.fields |= telemetry::hop_field::kTimes;
  if (layout != p4::Layout::full) return hop;
  hop.packet_bytes = 0x8000000000000064 + number;
  hop.hop_latency = 0x9000000000000044 + number;
  hop.packet_count = 0xa000000000000007 + number;
  hop.fields |= telemetry::hop_field::kPacket;
  return hop;
}

vn::Timestamps sample_stamps(std::uint8_t protocol) {
  vn::Timestamps stamps{};
  stamps.protocol = protocol;
  stamps.ingress_global = 0x923456789abc;
  stamps.enqueue = 0x2b4c5;
  stamps.dequeue_delta = 5678;
  stamps.packet_length = 1514;
  return stamps;
}

}  // namespace valinor::test
