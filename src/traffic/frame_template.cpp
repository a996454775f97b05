#include "traffic/frame_template.hpp"

#include <algorithm>
#include <array>
#include <cstring>

#include "telemetry/format/valinor_n.hpp"
#include "wire/checksum.hpp"

namespace valinor::traffic {
namespace {

namespace p4 = telemetry::p4netintel;
namespace vn = telemetry::valinor_n;

constexpr std::uint32_t kFirstSource = 0x0a010001;  // 10.1.0.1
constexpr std::uint32_t kDestination = 0x0a020001;  // 10.2.0.1
constexpr std::uint16_t kFirstPort = 10'000;
constexpr std::uint32_t kPortsPerSource = 50'000;
constexpr std::size_t kRpcIdBytes = 4;

/// Appends the bytes of a wire struct.
template <class Header>
void append(std::vector<std::byte>& out, const Header& header) {
  const std::size_t offset = out.size();
  out.resize(offset + sizeof header);
  std::memcpy(out.data() + offset, &header, sizeof header);
}

/// Mixes two numbers into one that looks random: the finisher of splitmix64.
constexpr std::uint64_t mix(std::uint64_t a, std::uint64_t b) noexcept {
  std::uint64_t x = a + b * 0x9e3779b97f4a7c15ull;
  x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9ull;
  x = (x ^ x >> 27) * 0x94d049bb133111ebull;
  return x ^ x >> 31;
}

void append_traces(std::vector<std::byte>& out, const FrameConfig& config, std::uint32_t flow) {
  append(out, p4::IntHeader{.traces = wire::Be<4>{config.hops}});
  for (std::uint32_t i = 0; i < config.hops; ++i) {
    const bool last = i + 1 == config.hops;
    const std::uint16_t next = !last             ? p4::kNextIsTrace
                               : config.int_host ? p4::kNextIsHost
                                                 : p4::kNextIsIpv4;
    const std::size_t offset = out.size();
    out.resize(offset + p4::trace_bytes(config.layout));
    p4::encode_trace(config.layout, meant_hop(config, flow, i), next, out.data() + offset);
  }
  if (config.int_host && config.hops > 0) {
    append(out, p4::IntHost{.requests = wire::Be<8>{1},
                            .host_time_ns = wire::Be<8>{meant_host_time_ns(flow)},
                            .next_proto = wire::Be<2>{p4::kNextIsIpv4}});
  }
}

/// An IPv4 header without options, its checksum right.
wire::Ipv4Header make_ipv4(std::uint32_t flow, std::uint8_t protocol, std::size_t payload_bytes) {
  wire::Ipv4Header header{};
  header.version_and_header_words = 0x45;
  header.total_bytes = static_cast<std::uint16_t>(sizeof header + payload_bytes);
  header.time_to_live = 64;
  header.protocol = protocol;
  header.source = kFirstSource + flow / kPortsPerSource;
  header.destination = kDestination;
  const auto* bytes = reinterpret_cast<const std::byte*>(&header);
  header.checksum = static_cast<std::uint16_t>(~wire::ones_complement_sum({bytes, sizeof header}));
  return header;
}

wire::UdpHeader make_udp(std::uint32_t flow, std::size_t payload_bytes) {
  return {
      .source_port = wire::Be<2>{static_cast<std::uint16_t>(kFirstPort + flow % kPortsPerSource)},
      .destination_port = wire::Be<2>{kDestinationPort},
      .length = wire::Be<2>{static_cast<std::uint16_t>(sizeof(wire::UdpHeader) + payload_bytes)},
      .checksum = {}};
}

/// Sum of UDP header, payload and the pseudo-header of RFC 768, not complemented.
std::uint16_t udp_sum(const wire::Ipv4Header& ip, wire::Bytes udp) noexcept {
  const std::uint32_t source = ip.source.value();
  const std::uint32_t destination = ip.destination.value();
  const auto pseudo =
      static_cast<std::uint32_t>((source >> 16) + (source & 0xffff) + (destination >> 16) +
                                 (destination & 0xffff) + wire::ip_protocol::kUdp + udp.size());
  return wire::ones_complement_sum(udp, pseudo);
}

/// Bytes behind RPC id or UDP header. Even with a stamp: checksums add up words.
std::size_t payload_of(const FrameConfig& config) {
  const std::size_t payload = config.payload_bytes;
  return config.stamped ? payload + payload % 2 + kStampBytes : payload;
}

/// Valinor-N's header of a packet whose IPv4 payload is `inner_bytes` long.
vn::Timestamps make_stamps(const telemetry::HopRecord& hop, std::size_t inner_bytes) {
  vn::Timestamps stamps{};
  stamps.protocol = wire::ip_protocol::kUdp;
  stamps.enqueue = hop.enqueue_time & vn::kEnqueueMask;
  stamps.dequeue_delta = hop.queue_delay;
  stamps.packet_length = static_cast<std::uint16_t>(sizeof(wire::EthernetHeader) +
                                                    sizeof(wire::Ipv4Header) + inner_bytes);
  return stamps;
}

}  // namespace

telemetry::HopRecord meant_hop(const FrameConfig& config, std::uint32_t flow, std::uint32_t index) {
  const std::uint32_t hops =
      config.format == telemetry::Format::p4netintel ? std::uint32_t{config.hops} : 1;
  const std::uint64_t random = mix(mix(config.seed, flow), index);
  telemetry::HopRecord hop;
  hop.node_id = hops - index;
  hop.ingress_port = static_cast<std::uint16_t>(random & 0x1ff);
  hop.egress_port = static_cast<std::uint16_t>(random >> 9 & 0x1ff);
  hop.enqueue_time = static_cast<std::uint32_t>(random >> 18);
  hop.queue_delay = static_cast<std::uint32_t>(random >> 50 & 0xfff);
  hop.enqueue_depth = static_cast<std::uint32_t>(random >> 24 & 0x7ffff);
  hop.dequeue_depth = static_cast<std::uint32_t>(random >> 40 & 0x7ffff);
  hop.ingress_time = random >> 16;
  hop.egress_time = (random >> 16) + hop.queue_delay;
  hop.packet_bytes = 64 + (random >> 56);
  hop.hop_latency = hop.queue_delay;
  hop.packet_count = random >> 32;
  hop.previous_time = (random >> 16) - (random & 0xff);
  return hop;
}

telemetry::FlowKey meant_flow(std::uint32_t flow) noexcept {
  telemetry::FlowKey key;
  const auto put = [](std::uint32_t address, std::array<std::byte, 16>& to) {
    to[10] = to[11] = std::byte{0xff};
    wire::store_be<4>(to.data() + 12, address);
  };
  put(kFirstSource + flow / kPortsPerSource, key.source);
  put(kDestination, key.destination);
  key.source_port = static_cast<std::uint16_t>(kFirstPort + flow % kPortsPerSource);
  key.destination_port = kDestinationPort;
  key.protocol = wire::ip_protocol::kUdp;
  return key;
}

FrameTemplates::FrameTemplates(const FrameConfig& config)
    : format_{config.format}, flows_{std::max(config.flows, 1u)}, stamped_{config.stamped} {
  const std::size_t link = sizeof(wire::EthernetHeader);
  const std::size_t ip = sizeof(wire::Ipv4Header);
  if (format_ == telemetry::Format::p4netintel) {
    const bool host = config.int_host && config.hops > 0;
    const std::size_t udp = link + sizeof(p4::IntHeader) +
                            config.hops * p4::trace_bytes(config.layout) +
                            (host ? sizeof(p4::IntHost) : 0) + ip;
    checksum_offset_ = udp + offsetof(wire::UdpHeader, checksum);
    number_offset_ = udp + sizeof(wire::UdpHeader);
  } else {
    number_offset_ = link + ip;
  }
  for (std::uint32_t flow = 0; flow < flows_; ++flow) {
    const std::vector<std::byte> frame = build(config, flow);
    frame_bytes_ = frame.size();
    frames_.insert(frames_.end(), frame.begin(), frame.end());
  }
}

std::vector<std::byte> FrameTemplates::build(const FrameConfig& config, std::uint32_t flow) const {
  const std::size_t own = payload_of(config);
  std::vector<std::byte> out;
  const bool is_p4 = format_ == telemetry::Format::p4netintel;
  append(out, wire::EthernetHeader{
                  .destination = config.destination,
                  .source = config.source,
                  .ethertype = wire::Be<2>{is_p4 ? p4::kEthertype : wire::ethertype::kIpv4}});
  if (is_p4) {
    append_traces(out, config, flow);
    const std::size_t payload = kRpcIdBytes + own;
    const wire::Ipv4Header ip =
        make_ipv4(flow, wire::ip_protocol::kUdp, sizeof(wire::UdpHeader) + payload);
    append(out, ip);
    const std::size_t udp = out.size();
    append(out, make_udp(flow, payload));
    out.resize(out.size() + payload, std::byte{'v'});
    std::fill_n(out.begin() + static_cast<std::ptrdiff_t>(number_offset_), kRpcIdBytes,
                std::byte{0});
    if (stamped_) std::fill_n(out.rbegin(), kStampBytes, std::byte{0});
    // Not complemented yet: write() adds RPC id and stamp first.
    wire::store_be<2>(out.data() + checksum_offset_, udp_sum(ip, wire::Bytes{out}.subspan(udp)));
    return out;
  }
  const std::size_t inner = sizeof(wire::UdpHeader) + own;
  append(out, make_ipv4(flow, 253, sizeof(vn::Timestamps) + inner));
  append(out, make_stamps(meant_hop(config, flow, 0), inner));
  append(out, make_udp(flow, own));
  out.resize(out.size() + own, std::byte{'v'});
  return out;
}

FrameTemplates::Offsets FrameTemplates::offsets() const noexcept {
  if (format_ == telemetry::Format::p4netintel) {
    return {.rpc_id = number_offset_, .checksum = checksum_offset_};
  }
  return {.switch_time = number_offset_ + offsetof(vn::Timestamps, ingress_global)};
}

void FrameTemplates::write(std::uint64_t number, std::uint64_t switch_time_ns,
                           std::span<std::byte> out, const Stamp& stamp) const noexcept {
  const std::size_t flow = number % flows_;
  std::memcpy(out.data(), frames_.data() + flow * frame_bytes_, frame_bytes_);
  const auto last = out.subspan(frame_bytes_ - kStampBytes).first<kStampBytes>();
  if (stamped_) write_stamp(stamp, last);
  std::byte* at = out.data() + number_offset_;
  if (format_ != telemetry::Format::p4netintel) {
    wire::store_be<6>(out.data() + offsets().switch_time, switch_time_ns);
    return;
  }
  const auto rpc_id = std::max(static_cast<std::uint32_t>(number + 1), 1u);
  wire::store_be<4>(at, rpc_id);
  std::byte* checksum = out.data() + checksum_offset_;
  std::uint32_t sum = wire::load_be<2>(checksum) + (rpc_id >> 16) + (rpc_id & 0xffff);
  if (stamped_) sum = wire::ones_complement_sum(last, sum);
  sum = (sum & 0xffff) + (sum >> 16);
  sum = (sum & 0xffff) + (sum >> 16);
  const auto complement = static_cast<std::uint16_t>(~sum);
  wire::store_be<2>(checksum, complement != 0 ? complement : std::uint16_t{0xffff});
}

}  // namespace valinor::traffic
