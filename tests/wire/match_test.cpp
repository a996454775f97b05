#include "wire/match.hpp"

#include <gtest/gtest.h>

#include "support/packet_builder.hpp"
#include "wire/headers.hpp"

namespace valinor::wire {
namespace {

using telemetry::p4netintel::Layout;
using test::PacketBuilder;

MatchRules all_rules() {
  return {.ethertypes = {0x1212},
          .ip_protocols = {253, 255},
          .udp_dst_ports = {5000, 5900},
          .dscp = DscpMatch{.value = 0x10, .mask = 0x30}};
}

Decision decide(PacketBuilder& builder) { return Match{all_rules()}.decide(builder.build()); }

TEST(Match, EachRuleFindsItsPackets) {
  EXPECT_EQ(decide(PacketBuilder{}.ethernet().p4netintel(Layout::full, {}).ipv4(17)),
            Decision::by_ethertype);
  EXPECT_EQ(decide(PacketBuilder{}.ethernet().ipv4(253).payload(60)), Decision::by_ip_protocol);
  EXPECT_EQ(decide(PacketBuilder{}.ethernet().ipv4(255).payload(60)), Decision::by_ip_protocol);
  EXPECT_EQ(decide(PacketBuilder{}.ethernet().ipv4(17).udp(1, 5900)), Decision::by_udp_port);
  EXPECT_EQ(decide(PacketBuilder{}.ethernet().ipv4(6, 0, 0x17).tcp(1, 2)), Decision::by_dscp);
  EXPECT_EQ(decide(PacketBuilder{}.ethernet().ipv6(17, 0x1f).udp(1, 2)), Decision::by_dscp);
}

TEST(Match, RulesHoldBehindTagsAndOptionsAndExtensions) {
  EXPECT_EQ(decide(PacketBuilder{}.ethernet().vlan(1).vlan(2).ethertype(0x1212)),
            Decision::by_ethertype);
  EXPECT_EQ(decide(PacketBuilder{}.ethernet().vlan(1).ipv4(17, 40).udp(1, 5000)),
            Decision::by_udp_port);
  EXPECT_EQ(decide(PacketBuilder{}
                       .ethernet()
                       .ipv6(17)
                       .ipv6_extension(ip_protocol::kIpv6HopByHop)
                       .udp(1, 5000)),
            Decision::by_udp_port);
}

TEST(Match, TheRestIsNotTelemetry) {
  EXPECT_EQ(decide(PacketBuilder{}.ethernet().ipv4(17).udp(5000, 53)), Decision::not_telemetry);
  EXPECT_EQ(decide(PacketBuilder{}.ethernet().ipv4(1, 0, 0x10).payload(8)),
            Decision::not_telemetry);  // ICMP carries no INT, whatever its DSCP
  EXPECT_EQ(decide(PacketBuilder{}.ethernet().ethertype(0x0806).payload(28)),
            Decision::not_telemetry);
}

TEST(Match, ALaterFragmentHasNoPorts) {
  EXPECT_EQ(decide(PacketBuilder{}.ethernet().ipv4(17).fragment(0x0010).udp(1, 5000)),
            Decision::not_telemetry);
  EXPECT_EQ(decide(PacketBuilder{}.ethernet().ipv4(17).fragment(0x2000).udp(1, 5000)),
            Decision::by_udp_port);
}

TEST(Match, FramesThatEndTooEarlyAreTruncated) {
  const auto frame = PacketBuilder{}.ethernet().vlan(3).ipv4(17, 8).udp(1, 5000).build();
  const Match match{all_rules()};
  for (std::size_t length = 0; length < frame.size(); ++length) {
    EXPECT_EQ(match.decide(Bytes{frame}.first(length)), Decision::truncated) << length;
  }
  EXPECT_EQ(match.decide(frame), Decision::by_udp_port);
}

}  // namespace
}  // namespace valinor::wire
