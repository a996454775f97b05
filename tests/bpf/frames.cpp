#include "bpf/frames.hpp"

#include <algorithm>

namespace valinor::test {

using wire::MatchRules;

std::vector<Frame> seed_frames() {
  std::vector<Frame> frames;
  static constexpr std::uint16_t kTags[] = {0x88a8, 0x8100, 0x8100};
  for (std::size_t tags = 0; tags <= 3; ++tags) {
    const auto link = [tags] {
      PacketBuilder builder;
      builder.ethernet();
      for (std::size_t i = 0; i < tags; ++i) builder.vlan(7, kTags[i]);
      return builder;
    };
    for (const int ethertype : {0x1212, 0x0806, 0x88b5}) {
      frames.push_back(link().ethertype(static_cast<std::uint16_t>(ethertype)).payload(30).build());
    }
    for (const std::size_t options : {0U, 4U, 40U}) {
      frames.push_back(link().ipv4(253, options).payload(8).build());
      frames.push_back(link().ipv4(17, options, 0x17).udp(1, 2).payload(8).build());
      frames.push_back(link().ipv4(17, options).udp(1, 5000).payload(8).build());
      frames.push_back(link().ipv4(6, options).tcp(1, 5000).payload(8).build());
      frames.push_back(link().ipv4(17, options).fragment(0x2001).udp(1, 5000).build());
    }
    frames.push_back(link().ipv6(17).udp(1, 5000).payload(8).build());
    frames.push_back(link().ipv6(6, 0x17).tcp(1, 2).payload(8).build());
    for (std::size_t extensions = 1; extensions <= 7; ++extensions) {
      constexpr std::uint8_t kKinds[] = {0, 60, 43, 60, 44, 0, 43};
      auto builder = link().ipv6(17);
      for (std::size_t i = 0; i < extensions; ++i) {
        builder.ipv6_extension(kKinds[i], kKinds[i] == 44 ? 0 : static_cast<std::uint8_t>(i % 3));
      }
      frames.push_back(builder.udp(1, 5000).payload(8).build());
      frames.push_back(builder.payload(8).build());
    }
  }
  return frames;
}

std::vector<MatchRules> rule_sets() {
  MatchRules full;
  for (std::uint16_t i = 0; i < wire::kMaxMatchEthertypes; ++i) {
    full.ethertypes.push_back(static_cast<std::uint16_t>(0x0800 + i * 6));
  }
  full.ethertypes.resize(wire::kMaxMatchEthertypes);
  for (std::uint16_t i = 0; i < wire::kMaxMatchUdpPorts; ++i) {
    full.udp_dst_ports.push_back(static_cast<std::uint16_t>(4990 + i));
  }
  full.ip_protocols.clear();
  for (int i = 0; i < 256; i += 3) full.ip_protocols.push_back(static_cast<std::uint8_t>(i));
  return {
      MatchRules{},
      {.ethertypes = {}, .ip_protocols = {}, .udp_dst_ports = {}, .dscp = {}},
      {.ethertypes = {0x1212, 0x88b5},
       .ip_protocols = {253},
       .udp_dst_ports = {5000},
       .dscp = wire::DscpMatch{.value = 0x17, .mask = 0x3f}},
      {.ethertypes = {},
       .ip_protocols = {44, 60},
       .udp_dst_ports = {5000, 2},
       .dscp = wire::DscpMatch{.value = 0, .mask = 0x30}},
      full,
  };
}

void mutate(Frame& frame, std::mt19937& random) {
  const auto below = [&random](std::size_t n) { return random() % n; };
  for (std::size_t changes = below(4); changes > 0; --changes) {
    const std::size_t at = 12 + below(std::min<std::size_t>(frame.size() - 12, 70));
    constexpr std::uint8_t kTelling[] = {0x00, 0x06, 0x11, 0x2b, 0x2c, 0x3c, 0xfd,
                                         0x45, 0x4f, 0x60, 0x81, 0x88, 0xff, 0x08};
    frame[at] =
        static_cast<std::byte>(below(2) == 0 ? kTelling[below(std::size(kTelling))] : random());
  }
  if (below(2) == 0) frame.resize(kShortest + below(frame.size() - kShortest + 1));
}

}  // namespace valinor::test
