#include "traffic/frame_template.hpp"

#include <gtest/gtest.h>

#include "telemetry/decode.hpp"
#include "traffic/stamp.hpp"
#include "wire/checksum.hpp"

namespace valinor::traffic {
namespace {

using telemetry::Format;
using telemetry::p4netintel::Layout;

struct Received {
  DropReason reason;
  telemetry::PacketRecord packet;
  std::vector<telemetry::HopRecord> hops;
  telemetry::Anatomy anatomy;
};

Received receive(wire::Bytes frame) {
  Received got{};
  got.hops.resize(64);
  telemetry::Decoder decoder{std::nullopt};
  const auto decision = wire::Match{wire::MatchRules{}}.decide(frame);
  got.reason = decoder.decode(frame, static_cast<std::uint32_t>(frame.size()), decision,
                              {&got.packet, got.hops.data(), 64}, got.anatomy);
  return got;
}

TEST(FrameTemplates, EveryLayoutAndHopCountDecodesAgain) {
  for (const Layout layout :
       {Layout::discrete, Layout::depth_only, Layout::standard, Layout::full}) {
    for (const std::uint16_t hops : std::initializer_list<std::uint16_t>{0, 1, 3, 18}) {
      for (const bool int_host : {false, true}) {
        const FrameTemplates frames{
            {.layout = layout, .hops = hops, .int_host = int_host, .flows = 5}};
        std::vector<std::byte> out(frames.frame_bytes());
        for (std::uint64_t number = 0; number < 12; ++number) {
          frames.write(number, 0, out);
          const Received got = receive(out);
          ASSERT_EQ(got.reason, DropReason::none);
          EXPECT_EQ(got.packet.hop_count, hops);
          EXPECT_EQ(got.packet.layout, static_cast<std::uint8_t>(hops > 0 ? layout : Layout::full));
          EXPECT_EQ(got.packet.rpc_id, number + 1);
          EXPECT_EQ(got.packet.flow.source_port, 10'000 + number % 5);
          EXPECT_EQ((got.packet.flags & telemetry::flag::kHostTime) != 0, int_host && hops > 0);
        }
      }
    }
  }
}

/// Sum of a UDP packet with its checksum in place, pseudo-header of RFC 768 included.
std::uint16_t udp_sum(wire::Bytes frame, std::size_t ip_offset) {
  const wire::Bytes addresses = frame.subspan(ip_offset + 12, 8);
  const wire::Bytes udp = frame.subspan(ip_offset + 20);
  const auto start =
      static_cast<std::uint32_t>(wire::ones_complement_sum(addresses) + 17u + udp.size());
  return wire::ones_complement_sum(udp, start);
}

TEST(FrameTemplates, ChecksumsAreRightForEveryNumber) {
  const FrameTemplates frames{{.hops = 2, .flows = 3, .payload_bytes = 7}};
  std::vector<std::byte> out(frames.frame_bytes());
  for (const std::uint64_t number :
       {0ull, 1ull, 65'534ull, 65'535ull, 0xfffffffeull, 0xffffffffull}) {
    frames.write(number, 0, out);
    const std::size_t ip = receive(out).anatomy.ip_offset;
    EXPECT_TRUE(wire::ipv4_checksum_holds(wire::Bytes{out}.subspan(ip, 20)));
    EXPECT_EQ(udp_sum(out, ip), 0xffff) << number;
  }
}

TEST(FrameTemplates, ValinorCarriesItsTime) {
  const FrameTemplates frames{{.format = Format::valinor_n, .flows = 2}};
  std::vector<std::byte> out(frames.frame_bytes());
  frames.write(1, 123'456'789'012, out);
  const Received got = receive(out);
  ASSERT_EQ(got.reason, DropReason::none);
  EXPECT_EQ(got.packet.switch_time.since_epoch.count(), 123'456'789'012);
  EXPECT_EQ(got.packet.flow.source_port, 10'001);
}

TEST(FrameTemplates, StampsAreTheLastBytesAndUnderTheChecksum) {
  for (const Format format : {Format::p4netintel, Format::valinor_n}) {
    const FrameTemplates frames{{.format = format, .hops = 2, .payload_bytes = 7, .stamped = true}};
    std::vector<std::byte> out(frames.frame_bytes());
    const Stamp stamp{.measurement = 7, .number = 0x1'0000'0001, .sent = Nanos{123'456'789'012}};
    frames.write(3, 0, out, stamp);
    const Received got = receive(out);
    ASSERT_EQ(got.reason, DropReason::none);
    const auto found = read_stamp(out);
    ASSERT_TRUE(found);
    EXPECT_EQ(found->measurement, stamp.measurement);
    EXPECT_EQ(found->number, stamp.number);
    EXPECT_EQ(found->sent, stamp.sent);
    if (format == Format::p4netintel) {
      EXPECT_EQ(udp_sum(out, got.anatomy.ip_offset), 0xffff);
    }
  }
}

TEST(Stamp, OtherFramesHaveNone) {
  const FrameTemplates frames{{}};
  std::vector<std::byte> out(frames.frame_bytes());
  frames.write(0, 0, out);
  EXPECT_FALSE(read_stamp(out));
  EXPECT_FALSE(read_stamp(std::span{out}.first(kStampBytes - 1)));
}

}  // namespace
}  // namespace valinor::traffic
