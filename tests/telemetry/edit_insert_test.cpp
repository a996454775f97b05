#include "telemetry/edit/insert.hpp"

#include <gtest/gtest.h>

#include "edit_random_frame.hpp"
#include "telemetry/decode.hpp"
#include "telemetry/edit/strip.hpp"

namespace valinor::telemetry {
namespace {

using p4netintel::Layout;
using test::Frame;
using test::kDeepHeadroom;
using test::kNoLimit;
using test::link_of;
using test::Random;
using test::Room;

TEST(EditInsert, StripUndoesItByteForByte) {
  Random random{21};
  for (int round = 0; round < 20'000; ++round) {
    const auto packet = test::random_packet(random);
    const Layout layout = test::kAllLayouts[test::below(random, 4)];
    const std::size_t traces = test::below(random, 21);
    const bool with_host = test::below(random, 2) == 0;
    Room room{packet.frame, kDeepHeadroom};
    const wire::Link link = link_of(packet.frame);
    ASSERT_EQ(insert_p4netintel(
                  room.editable, link, layout, test::random_traces(random, layout, traces),
                  with_host ? std::optional<HostTimes>{{.host_time_ns = random()}} : std::nullopt,
                  kNoLimit),
              EditResult::done);
    const Frame inserted = room.frame();
    ASSERT_TRUE(room.is_within_itself());
    DropReason reason{};
    const p4netintel::Stack stack = test::locate(inserted, layout, reason);
    ASSERT_EQ(reason, DropReason::none);
    ASSERT_EQ(stack.traces, traces);
    ASSERT_EQ(stack.has_host, with_host && traces != 0);
    ASSERT_EQ(inserted.size(), packet.frame.size() + stack.ip_offset);
    ASSERT_TRUE(packet.checksums_hold(inserted, link.bytes + stack.ip_offset));

    ASSERT_EQ(strip_p4netintel(room.editable, link_of(inserted), stack), EditResult::done);
    ASSERT_EQ(room.frame(), packet.frame);
    ASSERT_TRUE(room.is_within_itself());
    ASSERT_TRUE(packet.checksums_hold(room.frame(), packet.ip_at));
  }
}

TEST(EditInsert, UndoesStripByteForByte) {
  Random random{22};
  for (int round = 0; round < 10'000; ++round) {
    const auto packet = test::random_packet(random);
    const Layout layout = test::kAllLayouts[test::below(random, 4)];
    const std::size_t traces = test::below(random, 21);
    const auto order = test::below(random, 2) == 0 ? HostByteOrder::network : HostByteOrder::x86;
    std::optional<HostTimes> host;
    if (test::below(random, 2) == 0) host = {random(), random(), order};
    Room room{packet.frame, kDeepHeadroom};
    const wire::Link link = link_of(packet.frame);
    ASSERT_EQ(insert_p4netintel(room.editable, link, layout,
                                test::random_traces(random, layout, traces), host, kNoLimit),
              EditResult::done);
    const Frame inserted = room.frame();
    DropReason reason{};
    const p4netintel::Stack stack = test::locate(inserted, layout, reason);
    std::vector<std::byte> saved(kMaxTracesBytes);
    saved.resize(copy_traces(wire::Bytes{inserted}.subspan(link.bytes), stack, saved));
    ASSERT_EQ(saved.size(), traces * p4netintel::trace_bytes(layout));
    ASSERT_EQ(strip_p4netintel(room.editable, link_of(inserted), stack), EditResult::done);
    ASSERT_EQ(insert_p4netintel(room.editable, link, layout, saved, host, kNoLimit),
              EditResult::done);
    ASSERT_EQ(room.frame(), inserted);
  }
}

TEST(EditInsert, ReplyIsDecodedAsItWasMeantInBothByteOrders) {
  Random random{23};
  for (const Layout layout : test::kAllLayouts) {
    for (const auto order : {HostByteOrder::network, HostByteOrder::x86}) {
      std::vector<std::byte> traces;
      std::vector<HopRecord> hops;
      for (int i = 0; i < 3; ++i) {
        hops.push_back(test::random_hop(random, layout));
        traces.resize(traces.size() + p4netintel::trace_bytes(layout));
        p4netintel::encode_trace(layout, hops.back(), 0xdead,
                                 traces.data() + traces.size() - p4netintel::trace_bytes(layout));
      }
      Room room{test::random_packet(random).frame};
      const Frame before = room.frame();
      ASSERT_EQ(insert_p4netintel(room.editable, link_of(before), layout, traces,
                                  HostTimes{1, 123'456, order}, kNoLimit),
                EditResult::done);
      const Frame frame = room.frame();
      // The chain of formats.md: the last trace names int_host, and that IPv4.
      const std::size_t stack_at = link_of(frame).bytes;
      const std::size_t traces_end = stack_at + 4 + traces.size();
      EXPECT_EQ(test::get_16(frame, stack_at - 2), 0x1212u);
      EXPECT_EQ(test::get_16(frame, stack_at + 4 + traces.size() / 3 - 2), 0x1213u);
      EXPECT_EQ(test::get_16(frame, traces_end - 2), 0x1214u);
      EXPECT_EQ(test::get_16(frame, traces_end + 16), 0x0800u);

      PacketRecord record;
      std::array<HopRecord, 20> decoded;
      Anatomy anatomy;
      Decoder decoder{layout};
      ASSERT_EQ(
          decoder.decode(frame, static_cast<std::uint32_t>(frame.size()),
                         wire::Decision::by_ethertype, {&record, decoded.data(), 20}, anatomy),
          DropReason::none);
      EXPECT_EQ(record.host_requests, 1u);
      EXPECT_EQ(record.host_time_ns, 123'456u);
      EXPECT_EQ((record.flags & flag::kHostLittleEndian) != 0, order == HostByteOrder::x86);
      ASSERT_EQ(record.hop_count, 3);
      for (std::size_t i = 0; i < 3; ++i) {
        EXPECT_EQ(std::memcmp(&decoded[i], &hops[i], sizeof hops[i]), 0);
      }
    }
  }
}

TEST(EditInsert, WithoutTracesThereIsNoHostEither) {
  Random random{24};
  const auto packet = test::random_packet(random);
  Room room{packet.frame};
  ASSERT_EQ(insert_p4netintel(room.editable, link_of(packet.frame), Layout::full, {},
                              HostTimes{1, 5, HostByteOrder::network}, kNoLimit),
            EditResult::done);
  EXPECT_EQ(room.editable.bytes, packet.frame.size() + 4);
  DropReason reason{};
  EXPECT_EQ(test::locate(room.frame(), Layout::full, reason).ip_offset, 4u);
  EXPECT_EQ(reason, DropReason::none);
}

TEST(EditInsert, HopsOfOursAreEncodedInPlace) {
  Random random{25};
  for (const Layout layout : test::kAllLayouts) {
    const HopRecord hop = test::random_hop(random, layout);
    const auto packet = test::random_packet(random);
    Room room{packet.frame};
    ASSERT_EQ(insert_hops(room.editable, link_of(packet.frame), layout, {&hop, 1}, kNoLimit),
              EditResult::done);
    const Frame frame = room.frame();
    HopRecord decoded;
    const TracePlace place = newest_trace(link_of(frame), layout);
    p4netintel::decode_trace(layout, frame.data() + place.offset, decoded);
    EXPECT_EQ(std::memcmp(&decoded, &hop, sizeof hop), 0);
    DropReason reason{};
    EXPECT_EQ(test::locate(frame, layout, reason).traces, 1u);
    EXPECT_EQ(reason, DropReason::none);
  }
}

TEST(EditInsert, EveryRefusalLeavesTheFrameUntouched) {
  Random random{26};
  for (int round = 0; round < 2000; ++round) {
    const auto packet = test::random_packet(random);
    const wire::Link link = link_of(packet.frame);
    const auto traces = test::random_traces(random, Layout::standard, 3);
    const auto growth = static_cast<std::uint32_t>(4 + traces.size() + 18);
    const auto bytes = static_cast<std::uint32_t>(packet.frame.size());
    const auto try_on = [&](Room& room, wire::Bytes what, std::uint32_t limit) {
      return insert_p4netintel(room.editable, link_of(room.frame()), Layout::standard, what,
                               HostTimes{}, limit);
    };
    const auto refused = [&](const Frame& frame, std::uint32_t headroom, wire::Bytes what,
                             std::uint32_t limit, EditResult why) {
      Room room{frame, headroom};
      EXPECT_EQ(try_on(room, what, limit), why) << to_name(why);
      EXPECT_TRUE(room.untouched()) << to_name(why);
    };
    refused(packet.frame, growth - 1, traces, kNoLimit, EditResult::no_headroom);
    refused(packet.frame, 256, traces, bytes + growth - 1, EditResult::exceeds_mtu);
    refused(packet.frame, 256, wire::Bytes{traces}.first(35), kNoLimit, EditResult::odd_traces);
    refused(packet.frame, 4096, test::random_traces(random, Layout::standard, 21), kNoLimit,
            EditResult::hop_limit);
    Frame other = packet.frame;
    test::put_16(other, link.bytes - 2u, 0x1212);
    refused(other, 256, traces, kNoLimit, EditResult::not_ipv4);
    other = packet.frame;
    test::put_16(other, packet.ip_at + 6, 1 + test::below(random, 0x1fff));
    refused(other, 256, traces, kNoLimit, EditResult::fragment);
    test::put_16(other, packet.ip_at + 6, 0x2000);
    refused(other, 256, traces, kNoLimit, EditResult::fragment);
    other = packet.frame;
    other.resize(link.bytes + test::below(random, packet.ip_end - packet.ip_at));
    refused(other, 256, traces, kNoLimit, EditResult::cut_short);
    other = packet.frame;
    test::put_16(other, packet.ip_at + 2, 19);
    refused(other, 256, traces, kNoLimit, EditResult::malformed_ip);
    other = packet.frame;
    other[packet.ip_at] = std::byte{0x65};
    refused(other, 256, traces, kNoLimit, EditResult::malformed_ip);

    Room just_enough{packet.frame, growth};
    EXPECT_EQ(try_on(just_enough, traces, bytes + growth), EditResult::done);
    EXPECT_EQ(just_enough.editable.headroom, 0u);
  }
}

TEST(EditInsert, TracesAroundAHostAreCopiedWithoutIt) {
  Random random{27};
  const auto traces = test::random_traces(random, Layout::depth_only, 3);
  Frame stack(4);
  const auto first = traces.begin();
  stack.insert(stack.end(), first, first + 9);
  stack.resize(stack.size() + 18);
  stack.insert(stack.end(), first + 9, traces.end());
  const p4netintel::Stack around{.traces = 3,
                                 .layout = Layout::depth_only,
                                 .traces_before_host = 1,
                                 .has_host = true,
                                 .ip_offset = static_cast<std::uint32_t>(stack.size())};
  std::vector<std::byte> saved(27);
  EXPECT_EQ(copy_traces(stack, around, saved), 27u);
  EXPECT_EQ(saved, traces);
  EXPECT_EQ(copy_traces(stack, around, std::span{saved}.first(26)), 0u);
}

}  // namespace
}  // namespace valinor::telemetry
