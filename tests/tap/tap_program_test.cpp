/// The BPF program by BPF_PROG_TEST_RUN: what it makes of frames that a test chooses.
#include <bpf/bpf.h>
#include <linux/bpf.h>
#include <linux/pkt_cls.h>

#include <set>

#include "support/packet_builder.hpp"
#include "tapped.hpp"

namespace valinor::tap {
namespace {

using test::Frame;
using test::PacketBuilder;

PacketBuilder ethernet() { return PacketBuilder{}.ethernet(); }

class TapProgramTest : public testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "loading BPF programs needs root";
  }

  /// The records of one run over `frame`; `context` says what is not in the frame.
  std::vector<telemetry::PacketRecord> run(const Frame& frame, __sk_buff context = {}) {
    Tapped tapped{config};
    EXPECT_TRUE(run(tapped, frame, context));
    return stop(tapped);
  }

  /// false: the kernel does not run programs on such a frame.
  bool run(Tapped& tapped, const Frame& frame, __sk_buff context = {}) {
    bpf_test_run_opts options{};
    options.sz = sizeof options;
    options.data_in = frame.data();
    options.data_size_in = static_cast<std::uint32_t>(frame.size());
    options.ctx_in = &context;
    options.ctx_size_in = sizeof context;
    options.ctx_out = &after;
    options.ctx_size_out = sizeof after;
    options.repeat = 1;
    std::vector<std::byte> out(frame.size() + 256);
    options.data_out = out.data();
    options.data_size_out = static_cast<std::uint32_t>(out.size());
    const int fd = tapped.tap.program().fd(ethernet_header);
    if (::bpf_prog_test_run_opts(fd, &options) != 0) return false;
    EXPECT_EQ(static_cast<int>(options.retval), TC_ACT_UNSPEC);
    out.resize(options.data_size_out);
    EXPECT_EQ(out, frame) << "the tap changed the packet";
    return true;
  }

  static std::vector<telemetry::PacketRecord> stop(Tapped& tapped) {
    auto records = tapped.stop();
    EXPECT_TRUE(tapped.balanced());
    EXPECT_EQ(tapped.tap.stats().bytes.value(), tapped.tap.counts().bytes);
    return records;
  }

  TapConfig config;
  bool ethernet_header = true;
  __sk_buff after{};
};

std::array<std::byte, 16> mapped(std::span<const std::byte> four) {
  std::array<std::byte, 16> address{};
  address[10] = address[11] = std::byte{0xff};
  std::copy(four.begin(), four.end(), address.begin() + 12);
  return address;
}

TEST_F(TapProgramTest, ReadsIpv4) {
  for (const std::size_t options : {0U, 40U}) {
    const Frame frame = ethernet().ipv4(17, options).udp(4321, 1234).payload(20).build();
    const auto records = run(frame);
    ASSERT_EQ(records.size(), 1U);
    const telemetry::FlowKey& flow = records[0].flow;
    EXPECT_EQ(flow.source, mapped(std::span{frame}.subspan(14 + 12, 4)));
    EXPECT_EQ(flow.destination, mapped(std::span{frame}.subspan(14 + 16, 4)));
    EXPECT_EQ(flow.source_port, 4321);
    EXPECT_EQ(flow.destination_port, 1234);
    EXPECT_EQ(flow.protocol, 17);
    EXPECT_EQ(records[0].packet_bytes, frame.size());
    EXPECT_EQ(records[0].flags, 0U);
    EXPECT_NE(records[0].flow_hash, 0U);
  }
}

TEST_F(TapProgramTest, ReadsIpv6BehindExtensions) {
  const Frame frame =
      ethernet().ipv6(6).ipv6_extension(0, 1).ipv6_extension(43).tcp(443, 50000).payload(9).build();
  const auto records = run(frame);
  ASSERT_EQ(records.size(), 1U);
  const telemetry::FlowKey& flow = records[0].flow;
  EXPECT_TRUE(std::equal(flow.source.begin(), flow.source.end(), frame.begin() + 14 + 8));
  EXPECT_TRUE(
      std::equal(flow.destination.begin(), flow.destination.end(), frame.begin() + 14 + 24));
  EXPECT_EQ(flow.source_port, 443);
  EXPECT_EQ(flow.destination_port, 50000);
  EXPECT_EQ(flow.protocol, 6);
}

TEST_F(TapProgramTest, ReadsBehindVlanTags) {
  const auto one = run(ethernet().vlan(7).ipv4(17).udp(1, 2).payload(20).build());
  const auto two = run(ethernet().vlan(7, 0x88a8).vlan(8).ipv6(17).udp(3, 4).payload(20).build());
  const auto three = run(ethernet().vlan(7).vlan(8).vlan(9).ipv4(17).udp(1, 2).build());
  ASSERT_EQ(one.size() + two.size() + three.size(), 3U);
  EXPECT_EQ(one[0].flow.destination_port, 2);
  EXPECT_EQ(two[0].flow.destination_port, 4);
  EXPECT_EQ(three[0].flow.destination_port, 0);  // one tag more than is looked behind
}

TEST_F(TapProgramTest, AFragmentHasNoPortsButTheFirst) {
  const auto first = run(ethernet().ipv4(17).fragment(0x2000).udp(1, 2).payload(20).build());
  const auto later = run(ethernet().ipv4(17).fragment(0x0001).udp(1, 2).payload(20).build());
  EXPECT_EQ(first.at(0).flow.destination_port, 2);
  EXPECT_EQ(later.at(0).flow.destination_port, 0);
  EXPECT_EQ(later.at(0).flow.protocol, 17);
}

TEST_F(TapProgramTest, RecordsWhatIsNotIp) {
  const auto records = run(ethernet().ethertype(0x0806).payload(28).build());
  ASSERT_EQ(records.size(), 1U);
  EXPECT_EQ(records[0].packet_bytes, 42U);
  EXPECT_EQ(records[0].flow.protocol, 0);
  EXPECT_EQ(records[0].flow.source, (std::array<std::byte, 16>{}));
}

TEST_F(TapProgramTest, RecordsFramesCutAtEveryByte) {
  for (Frame frame : {ethernet().vlan(7).ipv4(6, 8).tcp(1, 2).build(),
                      ethernet().ipv6(6).ipv6_extension(0).ipv6_extension(44).tcp(1, 2).build()}) {
    Tapped tapped{config};
    std::multiset<std::size_t> lengths;
    // Newer kernels do not run programs on frames that end inside the IP header.
    for (; frame.size() > 14; frame.pop_back()) {
      if (run(tapped, frame)) lengths.insert(frame.size());
    }
    EXPECT_GT(lengths.size(), 20U);
    std::multiset<std::size_t> recorded;
    for (const auto& record : stop(tapped)) recorded.insert(record.packet_bytes);
    EXPECT_EQ(recorded, lengths);
  }
}

TEST_F(TapProgramTest, ReadsInterfacesWithoutLinkHeader) {
  // The test run insists on an Ethernet header, which this program takes for the IP header.
  ethernet_header = false;
  Frame frame(14 + 28, std::byte{0});
  const Frame packet = ethernet().ipv4(17).udp(5, 6).build();
  std::copy(packet.begin() + 14, packet.end(), frame.begin());
  const auto records = run(frame);
  ASSERT_EQ(records.size(), 1U);
  EXPECT_EQ(records[0].flow.destination_port, 6);
}

TEST_F(TapProgramTest, RecordsTheMarkAndClearsItIfAsked) {
  const Frame frame = ethernet().ipv4(17).udp(1, 2).payload(20).build();
  __sk_buff context{};
  context.mark = 0x1234;
  EXPECT_EQ(run(frame, context).at(0).mark, 0x1234U);
  EXPECT_EQ(after.mark, 0x1234U);
  config.clear_mark = true;
  EXPECT_EQ(run(frame, context).at(0).mark, 0x1234U);
  EXPECT_EQ(after.mark, 0U);
}

TEST_F(TapProgramTest, ExpandsSuperPackets) {
  const Frame frame = ethernet().ipv4(6).tcp(1, 2).payload(2500).build();
  const auto bytes = static_cast<std::uint32_t>(frame.size());
  const std::uint32_t headers = bytes - 2500;
  __sk_buff context{};
  context.gso_size = 1000;
  for (const bool kernel_knows : {true, false}) {
    context.gso_segs = kernel_knows ? 3 : 0;
    context.wire_len = kernel_knows ? bytes + 2 * headers : bytes;
    const auto records = run(frame, context);
    ASSERT_EQ(records.size(), 3U) << kernel_knows;
    EXPECT_EQ(records[0].packet_bytes, headers + 1000);
    EXPECT_EQ(records[1].packet_bytes, headers + 1000);
    EXPECT_EQ(records[2].packet_bytes, headers + 500);
    EXPECT_EQ(records[2].flags, telemetry::flag::kGsoSegment);
  }
}

}  // namespace
}  // namespace valinor::tap
