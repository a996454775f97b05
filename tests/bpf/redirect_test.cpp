/// The XDP program's verdicts, one rule at a time.
#include <gtest/gtest.h>
#include <linux/bpf.h>
#include <unistd.h>

#include "bpf/program_run.hpp"
#include "support/packet_builder.hpp"

namespace valinor {
namespace {

using test::PacketBuilder;
using test::ProgramRun;
using wire::MatchRules;

class Redirect : public testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "loading BPF programs needs root";
  }

  static MatchRules every_rule() {
    return {.ethertypes = {0x1212, 0x88b5},
            .ip_protocols = {253, 255},
            .udp_dst_ports = {5000, 5900},
            .dscp = wire::DscpMatch{.value = 0x17, .mask = 0x3f}};
  }

  static void expect(ProgramRun& program, const test::Frame& frame, valinor_decision decision) {
    const auto verdict = program.run(frame);
    EXPECT_EQ(verdict.decision, decision);
    EXPECT_EQ(verdict.action, decision < VALINOR_NOT_TELEMETRY ? XDP_REDIRECT : XDP_PASS);
  }
};

PacketBuilder ethernet() { return PacketBuilder{}.ethernet(); }

TEST_F(Redirect, FindsEthertypesBehindNoOneAndTwoVlanTagsButNotThree) {
  ProgramRun program{every_rule()};
  expect(program, ethernet().ethertype(0x1212).payload(46).build(), VALINOR_BY_ETHERTYPE);
  expect(program, ethernet().ethertype(0x88b5).payload(46).build(), VALINOR_BY_ETHERTYPE);
  expect(program, ethernet().vlan(7).ethertype(0x1212).payload(46).build(), VALINOR_BY_ETHERTYPE);
  expect(program, ethernet().vlan(7, 0x88a8).vlan(8).ethertype(0x1212).payload(46).build(),
         VALINOR_BY_ETHERTYPE);
  expect(program, ethernet().vlan(7).vlan(8).vlan(9).ethertype(0x1212).payload(46).build(),
         VALINOR_NOT_TELEMETRY);
  expect(program, ethernet().ethertype(0x0806).payload(46).build(), VALINOR_NOT_TELEMETRY);
}

TEST_F(Redirect, FindsIpProtocolsBehindOptionsAndExtensionHeaders) {
  ProgramRun program{every_rule()};
  expect(program, ethernet().ipv4(253).payload(40).build(), VALINOR_BY_IP_PROTOCOL);
  expect(program, ethernet().ipv4(255, 40).payload(40).build(), VALINOR_BY_IP_PROTOCOL);
  expect(program, ethernet().vlan(7).ipv4(253, 4).payload(40).build(), VALINOR_BY_IP_PROTOCOL);
  expect(program, ethernet().ipv6(253).payload(40).build(), VALINOR_BY_IP_PROTOCOL);
  auto chain = ethernet().ipv6(253).ipv6_extension(0, 3).ipv6_extension(60).ipv6_extension(43, 1);
  chain.ipv6_extension(44).ipv6_extension(60);
  expect(program, PacketBuilder{chain}.payload(8).build(), VALINOR_BY_IP_PROTOCOL);
  // One more than is walked over: its own number, 60, is what the rules see.
  expect(program, chain.ipv6_extension(60).payload(8).build(), VALINOR_NOT_TELEMETRY);
  expect(program, ethernet().ipv4(1).payload(40).build(), VALINOR_NOT_TELEMETRY);
}

TEST_F(Redirect, ComparesDscpUnderItsMaskForUdpAndTcpOnly) {
  ProgramRun program{every_rule()};
  expect(program, ethernet().ipv4(17, 0, 0x17).udp(1, 2).payload(20).build(), VALINOR_BY_DSCP);
  expect(program, ethernet().ipv6(6, 0x17).tcp(1, 2).payload(20).build(), VALINOR_BY_DSCP);
  expect(program, ethernet().ipv4(17, 0, 0x16).udp(1, 2).payload(20).build(),
         VALINOR_NOT_TELEMETRY);
  expect(program, ethernet().ipv4(1, 0, 0x17).payload(40).build(), VALINOR_NOT_TELEMETRY);

  MatchRules high_bits = every_rule();
  high_bits.dscp = wire::DscpMatch{.value = 0x10, .mask = 0x30};
  ProgramRun masked{high_bits};
  expect(masked, ethernet().ipv4(17, 0, 0x1f).udp(1, 2).payload(20).build(), VALINOR_BY_DSCP);
  expect(masked, ethernet().ipv4(17, 0, 0x2f).udp(1, 2).payload(20).build(), VALINOR_NOT_TELEMETRY);
}

TEST_F(Redirect, FindsUdpPortsExceptInLaterFragments) {
  ProgramRun program{every_rule()};
  expect(program, ethernet().ipv4(17).udp(1, 5000).payload(20).build(), VALINOR_BY_UDP_PORT);
  expect(program, ethernet().ipv4(17, 8).udp(1, 5900).payload(20).build(), VALINOR_BY_UDP_PORT);
  expect(program, ethernet().ipv6(17).udp(1, 5000).payload(20).build(), VALINOR_BY_UDP_PORT);
  expect(program, ethernet().ipv4(17).udp(5000, 1).payload(20).build(), VALINOR_NOT_TELEMETRY);
  expect(program, ethernet().ipv4(6).tcp(1, 5000).payload(20).build(), VALINOR_NOT_TELEMETRY);
  expect(program, ethernet().ipv4(17).fragment(0x2000).udp(1, 5000).payload(20).build(),
         VALINOR_BY_UDP_PORT);
  expect(program, ethernet().ipv4(17).fragment(0x0001).udp(1, 5000).payload(20).build(),
         VALINOR_NOT_TELEMETRY);
}

TEST_F(Redirect, CallsAnImpossibleIpHeaderTruncated) {
  ProgramRun program{every_rule()};
  auto frame = ethernet().ipv4(253).payload(40).build();
  frame[14] = std::byte{0x40};  // no header words at all
  expect(program, frame, VALINOR_TRUNCATED);
  frame[14] = std::byte{0x44};  // 16 bytes
  expect(program, frame, VALINOR_TRUNCATED);
  frame[14] = std::byte{0x65};  // IPv6 under IPv4's ethertype
  expect(program, frame, VALINOR_TRUNCATED);
  frame[14] = std::byte{0x4f};  // 60 bytes, just as many as there are
  expect(program, frame, VALINOR_BY_IP_PROTOCOL);
  frame.pop_back();
  expect(program, frame, VALINOR_TRUNCATED);
}

TEST_F(Redirect, WithoutAnyRulePassesEverything) {
  ProgramRun program{{.ethertypes = {}, .ip_protocols = {}, .udp_dst_ports = {}, .dscp = {}}};
  expect(program, ethernet().ethertype(0x1212).payload(46).build(), VALINOR_NOT_TELEMETRY);
  expect(program, ethernet().ipv4(253).payload(40).build(), VALINOR_NOT_TELEMETRY);
  // Zeroes in the table's unused slots are no rules.
  expect(program, ethernet().ethertype(0).payload(46).build(), VALINOR_NOT_TELEMETRY);
  expect(program, ethernet().ipv4(17).udp(0, 0).build(), VALINOR_NOT_TELEMETRY);
}

TEST_F(Redirect, PassesAndCountsTelemetryOfAQueueWithoutASocket) {
  ProgramRun program{every_rule(), false};
  const auto verdict = program.run(ethernet().ethertype(0x1212).payload(46).build());
  EXPECT_EQ(verdict.action, XDP_PASS);
  EXPECT_EQ(verdict.decision, VALINOR_NO_SOCKET);
}

TEST_F(Redirect, OtherTrafficIsForwardedOrDroppedWhereAsked) {
  const auto plain = ethernet().ipv4(1).payload(30).build();
  const auto telemetry = ethernet().ethertype(0x1212).payload(46).build();
  ProgramRun forwarding{every_rule(), true, ProgramRun::OtherTraffic::forward};
  EXPECT_EQ(forwarding.run(plain).action, XDP_REDIRECT);
  EXPECT_EQ(forwarding.run(plain).decision, VALINOR_FORWARDED);
  EXPECT_EQ(forwarding.run(telemetry).decision, VALINOR_BY_ETHERTYPE);
  ProgramRun nowhere{every_rule(), false, ProgramRun::OtherTraffic::forward};
  EXPECT_EQ(nowhere.run(plain).action, XDP_PASS);
  EXPECT_EQ(nowhere.run(plain).decision, VALINOR_NO_SOCKET);
  ProgramRun dropping{every_rule(), true, ProgramRun::OtherTraffic::drop};
  EXPECT_EQ(dropping.run(plain).action, XDP_DROP);
  EXPECT_EQ(dropping.run(plain).decision, VALINOR_DROPPED);
  EXPECT_EQ(dropping.run(telemetry).action, XDP_REDIRECT);
}

}  // namespace
}  // namespace valinor
