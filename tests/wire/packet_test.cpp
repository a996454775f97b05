#include "wire/packet.hpp"

#include <gtest/gtest.h>

#include "support/packet_builder.hpp"
#include "wire/headers.hpp"

namespace valinor::wire {
namespace {

using test::Frame;
using test::PacketBuilder;

Ip parsed_ip(const Frame& frame) {
  const auto link = parse_link(frame);
  return parse_ip(Bytes{frame}.subspan(link->bytes), link->ethertype);
}

TEST(Link, LooksBehindTwoTags) {
  const auto frame = PacketBuilder{}.ethernet().vlan(5, 0x88a8).vlan(6).ipv4(17).udp(1, 2).build();
  const auto link = parse_link(frame);
  ASSERT_TRUE(link);
  EXPECT_EQ(link->ethertype, ethertype::kIpv4);
  EXPECT_EQ(link->bytes, 22);
}

TEST(Link, StopsAtTheThirdTag) {
  const auto link =
      parse_link(PacketBuilder{}.ethernet().vlan(5).vlan(6).vlan(7).payload(9).build());
  ASSERT_TRUE(link);
  EXPECT_EQ(link->ethertype, ethertype::kVlan);
}

TEST(Link, NeedsAllOfIt) {
  const auto frame = PacketBuilder{}.ethernet().vlan(5).vlan(6).build();
  for (std::size_t length = 0; length < frame.size(); ++length) {
    EXPECT_FALSE(parse_link(Bytes{frame}.first(length))) << length;
  }
  EXPECT_TRUE(parse_link(frame));
}

TEST(Ipv4, OptionsBelongToTheHeader) {
  const Ip ip = parsed_ip(PacketBuilder{}.ethernet().ipv4(6, 12, 0x17).tcp(1, 2).build());
  EXPECT_EQ(ip.error, IpError::none);
  EXPECT_EQ(ip.header_bytes, 32);
  EXPECT_EQ(ip.protocol, 6);
  EXPECT_EQ(ip.dscp, 0x17);
  EXPECT_EQ(ip.total_bytes, 52u);
  EXPECT_FALSE(ip.fragment);
}

TEST(Ipv4, ShortHeaderLengthIsMalformed) {
  for (unsigned words = 0; words < 5; ++words) {
    auto frame = PacketBuilder{}.ethernet().ipv4(17).udp(1, 2).build();
    frame[14] = static_cast<std::byte>(0x40 | words);
    EXPECT_EQ(parsed_ip(frame).error, IpError::malformed) << words;
  }
}

TEST(Ipv4, FragmentsAreTold) {
  const auto make = [](std::uint16_t bits) {
    return parsed_ip(PacketBuilder{}.ethernet().ipv4(17).fragment(bits).udp(1, 2).build());
  };
  EXPECT_FALSE(make(0x4000).fragment);  // don't fragment
  EXPECT_TRUE(make(0x2000).fragment);   // more fragments: the first part
  EXPECT_TRUE(make(0x2000).first_fragment);
  EXPECT_TRUE(make(0x0001).fragment);
  EXPECT_FALSE(make(0x0001).first_fragment);
}

TEST(Ipv6, ExtensionHeadersAreWalkedOver) {
  const Ip ip = parsed_ip(PacketBuilder{}
                              .ethernet()
                              .ipv6(ip_protocol::kUdp, 0x2a)
                              .ipv6_extension(ip_protocol::kIpv6HopByHop, 1)
                              .ipv6_extension(ip_protocol::kIpv6Destination)
                              .udp(1, 2)
                              .build());
  EXPECT_EQ(ip.error, IpError::none);
  EXPECT_EQ(ip.protocol, ip_protocol::kUdp);
  EXPECT_EQ(ip.header_bytes, 40 + 16 + 8);
  EXPECT_EQ(ip.total_bytes, 40u + 24 + 8);
  EXPECT_EQ(ip.dscp, 0x2a);
}

TEST(Ipv6, ChainThatRunsOutOfTheFrameIsTruncated) {
  const auto frame = PacketBuilder{}
                         .ethernet()
                         .ipv6(ip_protocol::kUdp)
                         .ipv6_extension(ip_protocol::kIpv6Routing, 3)
                         .build();
  for (std::size_t length = 14; length < frame.size(); ++length) {
    EXPECT_EQ(parse_ip(Bytes{frame}.first(length).subspan(14), ethertype::kIpv6).error,
              IpError::truncated)
        << length;
  }
}

}  // namespace
}  // namespace valinor::wire
