#include "telemetry/decode.hpp"

#include <gtest/gtest.h>

#include <cstring>
#include <random>

#include "support/golden.hpp"
#include "support/packet_builder.hpp"
#include "telemetry/edit/reflect.hpp"
#include "wire/headers.hpp"

namespace valinor::telemetry {
namespace {

using p4netintel::Layout;
using test::Frame;
using test::PacketBuilder;

constexpr std::array kLayoutsToTest{Layout::discrete, Layout::depth_only, Layout::standard,
                                    Layout::full};

/// Decodes one frame by the default rules and keeps everything that comes of it.
struct Decoded {
  wire::Decision decision{};
  DropReason reason{};
  PacketRecord packet;
  std::vector<HopRecord> hops = std::vector<HopRecord>(64);
  Anatomy anatomy;

  [[nodiscard]] bool has(std::uint32_t flag) const { return (packet.flags & flag) != 0; }
};

Decoded decode_cut(wire::Bytes frame, std::size_t wire_bytes,
                   std::optional<Layout> layout = std::nullopt, std::uint16_t max_hops = 64) {
  Decoded out;
  out.decision = wire::Match{wire::MatchRules{}}.decide(frame);
  if (!wire::is_telemetry(out.decision)) return out;
  Decoder decoder{layout};
  out.reason = decoder.decode(frame, static_cast<std::uint32_t>(wire_bytes), out.decision,
                              {&out.packet, out.hops.data(), max_hops}, out.anatomy);
  out.hops.resize(out.packet.hop_count);
  return out;
}

Decoded decode(wire::Bytes frame, std::optional<Layout> layout = std::nullopt,
               std::uint16_t max_hops = 64) {
  return decode_cut(frame, frame.size(), layout, max_hops);
}

PacketBuilder p4(Layout layout, std::uint32_t hops) {
  std::vector<HopRecord> records;
  for (std::uint32_t i = 0; i < hops; ++i) records.push_back(test::sample_hop(layout, i));
  return PacketBuilder{}.ethernet().p4netintel(layout, records);
}

Frame p4_frame(Layout layout, std::uint32_t hops) {
  return p4(layout, hops).ipv4(17).udp(4321, 1234).rpc_id(77).payload(4).build();
}

TEST(DecodeP4NetIntel, EveryLayoutAndHopCountIsFoundByItsChain) {
  for (const Layout layout : kLayoutsToTest) {
    for (const std::uint32_t hops : {1u, 2u, 3u, 9u, 18u, 20u}) {
      const Frame frame = p4_frame(layout, hops);
      const Decoded got = decode(frame);
      ASSERT_EQ(got.reason, DropReason::none) << static_cast<int>(layout) << " x " << hops;
      EXPECT_EQ(got.packet.layout, static_cast<std::uint8_t>(layout));
      ASSERT_EQ(got.hops.size(), hops);
      for (std::uint32_t i = 0; i < hops; ++i) {
        const HopRecord expected = test::sample_hop(layout, i);
        EXPECT_EQ(std::memcmp(&got.hops[i], &expected, sizeof expected), 0) << i;
      }
      EXPECT_EQ(got.packet.format, Format::p4netintel);
      EXPECT_EQ(got.packet.packet_bytes, frame.size());
      EXPECT_EQ(got.packet.flow.source_port, 4321);
      EXPECT_EQ(got.packet.flow.destination_port, 1234);
      EXPECT_EQ(got.packet.flow.protocol, 17);
      EXPECT_EQ(got.packet.rpc_id, 77u);
      EXPECT_EQ(got.packet.flags, flag::kRpcId);
    }
  }
}

TEST(DecodeP4NetIntel, NoTraceAtAllIsIpv4StraightAway) {
  const Decoded got = decode(p4_frame(Layout::full, 0));
  EXPECT_EQ(got.reason, DropReason::none);
  EXPECT_EQ(got.packet.hops_claimed, 0);
  EXPECT_EQ(got.packet.rpc_id, 77u);
}

TEST(DecodeP4NetIntel, MoreTracesThanSwitchesStackAreKeptAndFlagged) {
  const Decoded got = decode(p4_frame(Layout::depth_only, 21));
  EXPECT_EQ(got.reason, DropReason::none);
  EXPECT_TRUE(got.has(flag::kManyHops));
  EXPECT_EQ(got.hops.size(), 21u);
}

TEST(DecodeP4NetIntel, HopsBeyondTheLimitAreLeftOutOldestFirst) {
  const Decoded got = decode(p4_frame(Layout::depth_only, 9), std::nullopt, 4);
  EXPECT_EQ(got.reason, DropReason::none);
  EXPECT_TRUE(got.has(flag::kHopsCut));
  EXPECT_EQ(got.packet.hops_claimed, 9);
  ASSERT_EQ(got.hops.size(), 4u);
  EXPECT_EQ(got.hops[3].node_id, test::sample_hop(Layout::depth_only, 3).node_id);
}

TEST(DecodeP4NetIntel, HostTimesInEitherByteOrder) {
  for (const bool little_endian : {false, true}) {
    const Decoded got = decode(p4(Layout::standard, 2)
                                   .int_host(1, 123'456'789, little_endian)
                                   .ipv4(17)
                                   .udp(1, 2)
                                   .rpc_id(5)
                                   .build());
    ASSERT_EQ(got.reason, DropReason::none);
    EXPECT_TRUE(got.has(flag::kHostTime));
    EXPECT_EQ(got.has(flag::kHostLittleEndian), little_endian);
    EXPECT_EQ(got.packet.host_requests, 1u);
    EXPECT_EQ(got.packet.host_time_ns, 123'456'789u);
  }
}

TEST(DecodeP4NetIntel, TracesMayFollowTheHost) {
  Frame frame = p4(Layout::depth_only, 1).int_host(1, 10).build();
  wire::store_be<4>(frame.data() + 14, 2);  // two traces in all
  wire::store_be<2>(frame.data() + frame.size() - 2, p4netintel::kNextIsTrace);
  const Frame rest = p4(Layout::depth_only, 1).ipv4(17).udp(1, 2).rpc_id(3).build();
  frame.insert(frame.end(), rest.begin() + 18, rest.end());
  const Decoded got = decode(frame);
  ASSERT_EQ(got.reason, DropReason::none);
  EXPECT_EQ(got.hops.size(), 2u);
  EXPECT_EQ(got.hops[1].node_id, test::sample_hop(Layout::depth_only, 0).node_id);
  EXPECT_EQ(got.packet.host_time_ns, 10u);
}

TEST(DecodeP4NetIntel, MonitorCopyKeepsTheOriginalsLengthAndHasNoRpcId) {
  const Frame whole = p4(Layout::full, 3).ipv4(17).udp(4321, 1234).rpc_id(77).payload(400).build();
  const std::size_t copied = 14 + 4 + 3 * 72 + 20 + 8;
  const Decoded got = decode(wire::Bytes{whole}.first(copied));
  ASSERT_EQ(got.reason, DropReason::none);
  EXPECT_TRUE(got.has(flag::kMonitorCopy));
  EXPECT_FALSE(got.has(flag::kRpcId));
  EXPECT_EQ(got.packet.packet_bytes, whole.size());
  EXPECT_EQ(got.packet.flow.destination_port, 1234);
}

/// tcpdump -s cuts what it writes; the switch has sent the whole packet.
TEST(DecodeP4NetIntel, WhatACaptureCutIsNoMonitorCopy) {
  const Frame whole = p4(Layout::full, 3).ipv4(17).udp(4321, 1234).rpc_id(77).payload(400).build();
  const std::size_t before_rpc_id = 14 + 4 + 3 * 72 + 20 + 8;
  for (const std::size_t kept : {before_rpc_id, before_rpc_id + 3, before_rpc_id + 4}) {
    const Decoded got = decode_cut(wire::Bytes{whole}.first(kept), whole.size());
    ASSERT_EQ(got.reason, DropReason::none);
    EXPECT_TRUE(got.has(flag::kCaptureCut));
    EXPECT_FALSE(got.has(flag::kMonitorCopy));
    EXPECT_EQ(got.has(flag::kRpcId), kept == before_rpc_id + 4);
    EXPECT_EQ(got.packet.rpc_id, got.has(flag::kRpcId) ? 77u : 0u);
    EXPECT_EQ(got.packet.packet_bytes, whole.size());
    EXPECT_EQ(got.packet.flow.destination_port, 1234);
  }
}

TEST(DecodeP4NetIntel, ACaptureMayCutAMonitorCopyToo) {
  const Frame whole = p4(Layout::full, 3).ipv4(17).udp(4321, 1234).rpc_id(77).payload(400).build();
  const std::size_t copied = 14 + 4 + 3 * 72 + 20 + 8;
  const Decoded got = decode_cut(wire::Bytes{whole}.first(copied - 4), copied);
  ASSERT_EQ(got.reason, DropReason::none);
  EXPECT_EQ(got.packet.flags, flag::kCaptureCut | flag::kMonitorCopy);
  EXPECT_EQ(got.packet.packet_bytes, whole.size());
}

TEST(DecodeP4NetIntel, RpcIdStandsBehindTheTcpHeaderAndItsOptions) {
  EXPECT_EQ(decode(p4(Layout::depth_only, 1).ipv4(6).tcp(1, 2).rpc_id(9).build()).packet.rpc_id,
            9u);
  EXPECT_EQ(decode(p4(Layout::depth_only, 1).ipv4(6).tcp(1, 2, 12).rpc_id(9).build()).packet.rpc_id,
            9u);
  EXPECT_EQ(decode(p4(Layout::depth_only, 1).ipv4(6).tcp(1, 2, 12).build()).packet.rpc_id, 0u)
      << "a bare acknowledgment has none";
}

TEST(DecodeP4NetIntel, TagsAndOptionsMoveEverythingButChangeNothing) {
  const Decoded got =
      decode(PacketBuilder{}
                 .ethernet()
                 .vlan(3)
                 .p4netintel(Layout::depth_only, {test::sample_hop(Layout::depth_only, 0)})
                 .ipv4(17, 8)
                 .udp(11, 12)
                 .rpc_id(13)
                 .build());
  ASSERT_EQ(got.reason, DropReason::none);
  EXPECT_EQ(got.packet.flow.source_port, 11);
  EXPECT_EQ(got.packet.rpc_id, 13u);
}

TEST(DecodeP4NetIntel, ALaterFragmentHasNeitherPortsNorRpcId) {
  const Decoded got =
      decode(p4(Layout::depth_only, 1).ipv4(17).fragment(0x0003).udp(11, 12).rpc_id(13).build());
  ASSERT_EQ(got.reason, DropReason::none);
  EXPECT_EQ(got.packet.flow.source_port, 0);
  EXPECT_EQ(got.packet.rpc_id, 0u);
}

TEST(DecodeP4NetIntel, TruncatedAtEveryByteIsNamedOrAMonitorCopy) {
  for (const Layout layout : kLayoutsToTest) {
    const Frame frame =
        p4(layout, 3).int_host(1, 2).ipv4(17).udp(1, 2).rpc_id(3).payload(9).build();
    const std::size_t ip_end = 14 + 4 + 3 * p4netintel::trace_bytes(layout) + 18 + 20;
    for (std::size_t length = 14; length < frame.size(); ++length) {
      const Decoded got = decode(wire::Bytes{frame}.first(length));
      if (length < ip_end) {
        EXPECT_NE(got.reason, DropReason::none) << length;
      } else {
        EXPECT_EQ(got.reason, DropReason::none) << length;
        EXPECT_TRUE(got.has(flag::kMonitorCopy)) << length;
      }
      const Decoded captured = decode_cut(wire::Bytes{frame}.first(length), frame.size());
      EXPECT_EQ(captured.reason, got.reason) << length;
      EXPECT_FALSE(captured.has(flag::kMonitorCopy)) << length;
    }
  }
}

TEST(DecodeP4NetIntel, LiesAreNamed) {
  Frame frame = p4_frame(Layout::depth_only, 3);
  const auto reason_with = [&](std::size_t offset, std::uint16_t value,
                               std::optional<Layout> layout = std::nullopt) {
    Frame lie = frame;
    wire::store_be<2>(lie.data() + offset, value);
    return decode(lie, layout).reason;
  };
  EXPECT_EQ(reason_with(14, 0xffff), DropReason::hop_count);  // 4 billion traces
  EXPECT_EQ(reason_with(16, 60), DropReason::hop_count);
  EXPECT_EQ(reason_with(16, 2), DropReason::unknown_layout);  // the chain runs on
  EXPECT_EQ(reason_with(16, 4), DropReason::unknown_layout);  // ... ends early
  EXPECT_EQ(reason_with(16, 2, Layout::depth_only), DropReason::broken_chain);
  EXPECT_EQ(reason_with(18 + 7, 0x0800), DropReason::unknown_layout);  // ends at the first trace
  EXPECT_EQ(reason_with(18 + 7, 0x1214), DropReason::unknown_layout);
  EXPECT_EQ(reason_with(18 + 27, 0x4000), DropReason::malformed_ip);  // IHL 0
  EXPECT_EQ(reason_with(18 + 27 + 2, 19),
            DropReason::malformed_ip);  // total length below the header's
}

TEST(DecodeP4NetIntel, OneTraceIsBelievedOnlyWithAGoodIpChecksum) {
  Frame frame = p4_frame(Layout::standard, 1);
  frame[14 + 4 + 36 + 10] ^= std::byte{1};
  EXPECT_EQ(decode(frame).reason, DropReason::malformed_ip);
  EXPECT_EQ(decode(frame, Layout::standard).reason, DropReason::none)
      << "a forced layout is no guess";
}

TEST(DecodeValinorN, AllFields) {
  const Frame frame =
      PacketBuilder{}.ethernet().ipv4(253).valinor_n(test::sample_stamps()).udp(5001, 80).build();
  const Decoded got = decode(frame);
  ASSERT_EQ(got.reason, DropReason::none);
  EXPECT_EQ(got.packet.format, Format::valinor_n);
  EXPECT_EQ(got.packet.flags, flag::kSwitchTime);
  EXPECT_EQ(got.packet.switch_time.since_epoch.count(), 0x123456789abc | 0x923456789abc);
  EXPECT_EQ(got.packet.enqueue, 0x2b4c5u);
  EXPECT_EQ(got.packet.queue_delay, 5678u);
  EXPECT_EQ(got.packet.packet_bytes, 1514u);
  EXPECT_EQ(got.packet.flow.protocol, 17);
  EXPECT_EQ(got.packet.flow.source_port, 5001);
  EXPECT_EQ(got.packet.flow.destination_port, 80);
  EXPECT_EQ(got.packet.hop_count, 0);
}

TEST(DecodeValinorN, StampsStandBehindIpOptions) {
  const Decoded got = decode(PacketBuilder{}
                                 .ethernet()
                                 .vlan(9)
                                 .ipv4(255, 20)
                                 .valinor_n(test::sample_stamps(6))
                                 .tcp(7, 8)
                                 .build());
  ASSERT_EQ(got.reason, DropReason::none);
  EXPECT_EQ(got.packet.flow.source_port, 7);
  EXPECT_EQ(got.packet.packet_bytes, 1514u);
}

TEST(DecodeValinorN, ACaptureMayCutTheRest) {
  const Frame whole =
      PacketBuilder{}.ethernet().ipv4(253).valinor_n(test::sample_stamps()).udp(1, 2).build();
  const Decoded got = decode_cut(wire::Bytes{whole}.first(whole.size() - 4), whole.size());
  ASSERT_EQ(got.reason, DropReason::none);
  EXPECT_EQ(got.packet.flags, flag::kSwitchTime | flag::kCaptureCut);
  EXPECT_EQ(got.packet.packet_bytes, 1514u);
}

TEST(DecodeValinorN, UndefinedBitsDoNotLeakIn) {
  auto stamps = test::sample_stamps();
  stamps.enqueue = 0xfffff000;  // the upper 14 bits are padding
  const Decoded got =
      decode(PacketBuilder{}.ethernet().ipv4(253).valinor_n(stamps).udp(1, 2).build());
  EXPECT_EQ(got.packet.enqueue, 0x3f000u);
}

TEST(DecodeValinorN, IngressMirrorsKnowNoLength) {
  auto stamps = test::sample_stamps();
  stamps.packet_length = 0xfffc;
  const Decoded got =
      decode(PacketBuilder{}.ethernet().ipv4(253).valinor_n(stamps).udp(1, 2).build());
  EXPECT_TRUE(got.has(flag::kLengthUnknown));
  EXPECT_EQ(got.packet.packet_bytes, 0u);
}

TEST(DecodeValinorN, IfaWithTheSameProtocolNumberIsNotTaken) {
  auto stamps = test::sample_stamps();
  stamps.protocol = 0x2f;       // version 2, GNS 0xf
  stamps.ingress_mac = 0x11ff;  // next header, flags, length ...
  EXPECT_EQ(decode(PacketBuilder{}.ethernet().ipv4(253).valinor_n(stamps).udp(1, 2).build()).reason,
            DropReason::unknown_format);
}

TEST(DecodeValinorN, TruncatedAtEveryByteIsNamed) {
  const Frame frame =
      PacketBuilder{}.ethernet().ipv4(253, 4).valinor_n(test::sample_stamps()).udp(1, 2).build();
  const std::size_t ports_end = 14 + 24 + 46 + 4;
  for (std::size_t length = 14 + 24; length < frame.size(); ++length) {
    EXPECT_EQ(decode(wire::Bytes{frame}.first(length)).reason,
              length < ports_end ? DropReason::truncated : DropReason::none)
        << length;
  }
}

TEST(Decode, RandomDamageNeverEscapesTheFrame) {
  // The bytes live in an exactly sized allocation, so that the address sanitizer sees every
  // read that goes too far.
  std::mt19937 random{11};
  for (int round = 0; round < 100'000; ++round) {
    const Layout layout = kLayoutsToTest[random() % 4];
    Frame frame = random() % 4 == 0 ? PacketBuilder{}
                                          .ethernet()
                                          .ipv4(253, 4 * (random() % 11))
                                          .valinor_n(test::sample_stamps())
                                          .udp(1, 2)
                                          .build()
                                    : p4_frame(layout, static_cast<std::uint32_t>(random() % 25));
    for (auto hits = random() % 4; hits > 0; --hits) {
      frame[14 + random() % (frame.size() - 14)] = static_cast<std::byte>(random());
    }
    frame.resize(random() % (frame.size() + 1));
    frame.shrink_to_fit();
    const Decoded got = decode(frame, random() % 2 == 0 ? std::nullopt : std::optional{layout}, 20);
    if (wire::is_telemetry(got.decision) && got.reason == DropReason::none) {
      reflect(frame, got.anatomy);
    }
  }
}

TEST(Golden, P4NetIntelAndValinorFramesDecodeRight) {
  std::size_t decoded = 0;
  for (const auto& [name, bytes] : test::golden_frames()) {
    const Decoded got = decode(bytes);
    if (name.starts_with("p4netintel_cs")) {
      ++decoded;
      ASSERT_EQ(got.reason, DropReason::none) << name;
      const auto collect_size = static_cast<unsigned>(name[13] - '0');
      const auto hops = static_cast<std::uint32_t>(std::stoul(name.substr(16)));
      EXPECT_EQ(got.packet.layout, collect_size) << name;
      ASSERT_EQ(got.hops.size(), hops) << name;
      EXPECT_EQ(got.packet.packet_bytes, bytes.size()) << name;
      EXPECT_EQ(got.packet.rpc_id, 1u) << name;
      EXPECT_EQ(got.has(flag::kHostTime), name.ends_with("_host")) << name;
      EXPECT_EQ(got.packet.host_time_ns, name.ends_with("_host") ? 123'456'789u : 0u) << name;
      for (std::uint32_t i = 0; i < hops; ++i) {
        const HopRecord& hop = got.hops[i];
        EXPECT_EQ(hop.node_id, hops - i) << name;
        EXPECT_EQ(hop.enqueue_depth, collect_size == 0 ? 1u : 0x5a5a5u) << name;
        if (collect_size == 1) continue;
        EXPECT_EQ(hop.ingress_port, 0x155) << name;
        EXPECT_EQ(hop.egress_port, 0x0aa) << name;
        EXPECT_EQ(hop.enqueue_time, 0x01020304u) << name;
        EXPECT_EQ(hop.queue_delay, 0x0a0b0c0du) << name;
        EXPECT_EQ(hop.dequeue_depth, collect_size == 0 ? 2u : 0x2c3d4u) << name;
        EXPECT_EQ(hop.previous_time, collect_size == 2 ? 0u : 0x112233440000u) << name;
        if (collect_size == 0) continue;
        EXPECT_EQ(hop.ingress_time, 0x112233445566u) << name;
        EXPECT_EQ(hop.egress_time, collect_size == 2 ? 0x112233445566u : 0x1122334455aau) << name;
        if (collect_size == 2) continue;
        EXPECT_EQ(hop.packet_bytes, 0x64u) << name;
        EXPECT_EQ(hop.hop_latency, 0x44u) << name;
        EXPECT_EQ(hop.packet_count, 7u) << name;
      }
    } else if (name == "valinor_n_fd") {
      ++decoded;
      ASSERT_EQ(got.reason, DropReason::none);
      EXPECT_EQ(got.packet.switch_time.since_epoch.count(), 1'000'000'123);
      EXPECT_EQ(got.packet.enqueue, 0x1234u);
      EXPECT_EQ(got.packet.queue_delay, 5678u);
      EXPECT_EQ(got.packet.packet_bytes, 154u);
      EXPECT_EQ(got.packet.flow.source_port, 5001);
      EXPECT_EQ(got.packet.flow.destination_port, 80);
      EXPECT_EQ(got.packet.flow.protocol, 6);
    } else {
      EXPECT_FALSE(wire::is_telemetry(got.decision)) << name;
    }
  }
  EXPECT_EQ(decoded, 21u);
}

TEST(Reflect, SwapsEveryPairAndNothingElse) {
  Frame frame = p4(Layout::standard, 2).ipv4(17, 4).udp(4321, 1234).rpc_id(1).payload(3).build();
  const Frame before = frame;
  const Decoded got = decode(frame);
  reflect(frame, got.anatomy);
  const Decoded back = decode(frame);
  ASSERT_EQ(back.reason, DropReason::none);
  EXPECT_EQ(back.packet.flow.source, got.packet.flow.destination);
  EXPECT_EQ(back.packet.flow.destination, got.packet.flow.source);
  EXPECT_EQ(back.packet.flow.source_port, 1234);
  EXPECT_EQ(back.packet.flow.destination_port, 4321);
  EXPECT_TRUE(std::equal(frame.begin(), frame.begin() + 6, before.begin() + 6));
  EXPECT_TRUE(std::equal(frame.begin() + 6, frame.begin() + 12, before.begin()));
  reflect(frame, got.anatomy);
  EXPECT_EQ(frame, before);
}

}  // namespace
}  // namespace valinor::telemetry
