/// The short way and the long way say the same of every packet that the short way takes.
#include "telemetry/decode_simple.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cstring>
#include <random>

#include "support/packet_builder.hpp"
#include "telemetry/decode.hpp"
#include "wire/match.hpp"

namespace valinor::telemetry::simple_way {
namespace {

using p4netintel::Layout;
using test::Frame;
using test::PacketBuilder;

constexpr std::uint16_t kMaxHops = 24;

struct Result {
  DropReason reason{};
  PacketRecord packet;
  std::array<HopRecord, kMaxHops> hops{};
  Anatomy anatomy;
};

/// By the Decoder, which has guessed `layout` before. A packet that is said to be one byte longer
/// on the wire goes the long way.
Result decode(const Frame& frame, Layout layout, bool long_way) {
  Result out;
  Decoder decoder{std::nullopt};
  const std::vector<HopRecord> hops(2);
  const Frame first =
      PacketBuilder{}.ethernet().p4netintel(layout, hops).ipv4(17).udp(1, 2).rpc_id(3).build();
  out.reason =
      decoder.decode(first, static_cast<std::uint32_t>(first.size()), wire::Decision::by_ethertype,
                     {&out.packet, out.hops.data(), kMaxHops}, out.anatomy);
  EXPECT_EQ(out.reason, DropReason::none);
  out = {};
  const auto decision = wire::Match{wire::MatchRules{}}.decide(frame);
  if (!wire::is_telemetry(decision)) return out;
  out.reason = decoder.decode(frame, static_cast<std::uint32_t>(frame.size() + (long_way ? 1 : 0)),
                              decision, {&out.packet, out.hops.data(), kMaxHops}, out.anatomy);
  if (long_way && out.reason == DropReason::none) {  // what tells that it was
    EXPECT_NE(out.packet.flags & flag::kCaptureCut, 0U);
    out.packet.flags &= ~flag::kCaptureCut;
    if (out.packet.format == Format::p4netintel) --out.packet.packet_bytes;
  }
  return out;
}

bool is_taken(const Frame& frame, Layout layout) {
  Result out;
  const RecordSlot slot{&out.packet, out.hops.data(), kMaxHops};
  switch (wire::Match{wire::MatchRules{}}.decide(frame)) {
    case wire::Decision::by_ethertype:
      return decode_simple_p4netintel(frame, slot, &out.anatomy, true, layout);
    case wire::Decision::by_ip_protocol: return decode_simple_valinor_n(frame, slot, &out.anatomy);
    default: return false;
  }
}

void expect_same(const Result& a, const Result& b) {
  ASSERT_EQ(a.reason, b.reason);
  if (a.reason != DropReason::none) return;
  EXPECT_EQ(std::memcmp(&a.packet, &b.packet, sizeof a.packet), 0);
  EXPECT_EQ(std::memcmp(a.hops.data(), b.hops.data(), a.packet.hop_count * sizeof(HopRecord)), 0);
  EXPECT_EQ(a.anatomy.link.bytes, b.anatomy.link.bytes);
  EXPECT_EQ(a.anatomy.link.ethertype, b.anatomy.link.ethertype);
  EXPECT_EQ(a.anatomy.has_stack, b.anatomy.has_stack);
  EXPECT_EQ(a.anatomy.ip_offset, b.anatomy.ip_offset);
  EXPECT_EQ(a.anatomy.ports_offset, b.anatomy.ports_offset);
  EXPECT_EQ(a.anatomy.stack.traces, b.anatomy.stack.traces);
  EXPECT_EQ(a.anatomy.stack.layout, b.anatomy.stack.layout);
  EXPECT_EQ(a.anatomy.stack.traces_before_host, b.anatomy.stack.traces_before_host);
  EXPECT_EQ(a.anatomy.stack.has_host, b.anatomy.stack.has_host);
  EXPECT_EQ(a.anatomy.stack.ip_offset, b.anatomy.stack.ip_offset);
}

constexpr std::array kAllLayouts{Layout::discrete, Layout::depth_only, Layout::standard,
                                 Layout::full};

Frame p4(Layout layout, std::uint32_t hops) {
  std::vector<HopRecord> records;
  for (std::uint32_t i = 0; i < hops; ++i) records.push_back(test::sample_hop(layout, i));
  return PacketBuilder{}
      .ethernet()
      .p4netintel(layout, records)
      .ipv4(17)
      .udp(4321, 1234)
      .rpc_id(77)
      .payload(4)
      .build();
}

Frame valinor_n(std::uint8_t protocol) {
  const auto builder =
      PacketBuilder{}.ethernet().ipv4(253).valinor_n(test::sample_stamps(protocol));
  return PacketBuilder{builder}.udp(1, 2).payload(4).build();
}

TEST(DecodeSimple, TakesWhatNearlyAllPacketsAre) {
  for (const Layout layout : kAllLayouts) {
    for (std::uint32_t hops = 1; hops <= kMaxHops; ++hops) {
      const Frame frame = p4(layout, hops);
      EXPECT_TRUE(is_taken(frame, layout)) << hops;
      expect_same(decode(frame, layout, false), decode(frame, layout, true));
    }
  }
  for (const std::uint8_t protocol : {std::uint8_t{6}, std::uint8_t{17}}) {
    EXPECT_TRUE(is_taken(valinor_n(protocol), Layout::full));
    expect_same(decode(valinor_n(protocol), Layout::full, false),
                decode(valinor_n(protocol), Layout::full, true));
  }
}

TEST(DecodeSimple, LeavesTheRestToTheLongWay) {
  EXPECT_FALSE(is_taken(p4(Layout::full, 3), Layout::standard)) << "another layout";
  EXPECT_FALSE(is_taken(p4(Layout::full, kMaxHops + 1), Layout::full)) << "more hops than room";
  EXPECT_FALSE(is_taken(p4(Layout::full, 0), Layout::full)) << "no hops";
  const std::vector<HopRecord> hops(2);
  const auto start = PacketBuilder{}.ethernet().p4netintel(Layout::full, hops);
  EXPECT_FALSE(is_taken(PacketBuilder{start}.int_host(1, 2).ipv4(17).udp(1, 2).rpc_id(3).build(),
                        Layout::full));
  EXPECT_FALSE(
      is_taken(PacketBuilder{start}.ipv4(17, 4).udp(1, 2).rpc_id(3).build(), Layout::full));
  EXPECT_FALSE(is_taken(PacketBuilder{start}.ipv4(6).tcp(1, 2).rpc_id(3).build(), Layout::full));
  EXPECT_FALSE(is_taken(valinor_n(1), Layout::full)) << "no ports";
}

/// Single bytes of good packets changed, and packets cut: whichever way is taken, and whether the
/// packet is good or not, both agree.
TEST(DecodeSimple, BothWaysAgreeOnDamagedPackets) {
  std::mt19937 random{1};
  std::vector<std::pair<Frame, Layout>> good;
  for (const Layout layout : kAllLayouts) {
    for (const std::uint32_t hops : {1U, 2U, 5U}) good.emplace_back(p4(layout, hops), layout);
  }
  good.emplace_back(valinor_n(17), Layout::full);
  std::size_t taken = 0;
  for (int i = 0; i < 100'000; ++i) {
    auto [frame, layout] = good[random() % good.size()];
    if (random() % 4 == 0) frame.resize(random() % frame.size());
    for (auto changes = random() % 3; changes != 0 && !frame.empty(); --changes) {
      frame[random() % frame.size()] = static_cast<std::byte>(random());
    }
    taken += is_taken(frame, layout) ? 1 : 0;
    // One byte longer on the wire, a packet may be a monitor's copy no more: let that be.
    const Result by_short = decode(frame, layout, false);
    const Result by_long = decode(frame, layout, true);
    if ((by_short.packet.flags & flag::kMonitorCopy) == 0) expect_same(by_short, by_long);
    if (testing::Test::HasFailure()) FAIL() << "round " << i;
  }
  EXPECT_GT(taken, 10'000U);
}

}  // namespace
}  // namespace valinor::telemetry::simple_way
