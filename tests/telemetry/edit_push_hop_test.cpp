#include "telemetry/edit/push_hop.hpp"

#include <gtest/gtest.h>

#include <cstring>

#include "edit_random_frame.hpp"
#include "telemetry/edit/insert.hpp"
#include "telemetry/edit/strip.hpp"

namespace valinor::telemetry {
namespace {

using p4netintel::Layout;
using test::Frame;
using test::kDeepHeadroom;
using test::kNoLimit;
using test::link_of;
using test::Room;

/// A random packet with telemetry in it.
struct Carrier {
  test::RandomPacket packet;
  Frame frame;
  wire::Link link{};
  Layout layout{};
  p4netintel::Stack stack;
};

Carrier carrier(test::Random& random, std::size_t traces, bool with_host) {
  Carrier out;
  out.packet = test::random_packet(random);
  out.layout = test::kAllLayouts[test::below(random, 4)];
  Room room{out.packet.frame, kDeepHeadroom};
  std::optional<HostTimes> host;
  if (with_host) host = HostTimes{.host_time_ns = random()};
  EXPECT_EQ(insert_p4netintel(room.editable, link_of(out.packet.frame), out.layout,
                              test::random_traces(random, out.layout, traces), host, kNoLimit),
            EditResult::done);
  out.frame = room.frame();
  out.link = link_of(out.frame);
  DropReason reason{};
  out.stack = test::locate(out.frame, out.layout, reason);
  EXPECT_EQ(reason, DropReason::none);
  return out;
}

std::vector<HopRecord> hops_of(const Frame& frame, Layout layout) {
  DropReason reason{};
  const p4netintel::Stack stack = test::locate(frame, layout, reason);
  EXPECT_EQ(reason, DropReason::none);
  std::vector<std::byte> traces(64 * 72);
  (void)copy_traces(wire::Bytes{frame}.subspan(link_of(frame).bytes), stack, traces);
  std::vector<HopRecord> hops(stack.traces);
  for (std::size_t i = 0; i < hops.size(); ++i) {
    p4netintel::decode_trace(layout, traces.data() + i * p4netintel::trace_bytes(layout), hops[i]);
  }
  return hops;
}

bool same(const HopRecord& a, const HopRecord& b) { return std::memcmp(&a, &b, sizeof a) == 0; }

TEST(EditPushHop, NewestComesFirstAndAllOthersStay) {
  test::Random random{41};
  for (int round = 0; round < 20'000; ++round) {
    const bool with_host = test::below(random, 2) == 0;
    const Carrier before = carrier(random, test::below(random, with_host ? 19 : 20), with_host);
    const HopRecord hop = test::random_hop(random, before.layout);
    Room room{before.frame, 72};
    TracePlace place;
    ASSERT_EQ(
        push_hop(room.editable, before.link, before.stack, hop, before.layout, kNoLimit, place),
        EditResult::done);
    ASSERT_TRUE(room.is_within_itself());
    const Frame after = room.frame();
    const auto old_hops = hops_of(before.frame, before.layout);
    const auto hops = hops_of(after, before.layout);
    ASSERT_EQ(hops.size(), old_hops.size() + 1);
    ASSERT_TRUE(same(hops[0], hop));
    for (std::size_t i = 0; i < old_hops.size(); ++i) ASSERT_TRUE(same(hops[i + 1], old_hops[i]));
    // Everything behind the new trace, bit for bit, int_host and fields no record keeps included.
    const std::size_t behind = before.link.bytes + 4u;
    ASSERT_EQ(place.offset, behind);
    ASSERT_TRUE(
        std::equal(before.frame.begin() + static_cast<std::ptrdiff_t>(behind), before.frame.end(),
                   after.begin() +
                       static_cast<std::ptrdiff_t>(behind + p4netintel::trace_bytes(before.layout)),
                   after.end()));
    DropReason reason{};
    const p4netintel::Stack stack = test::locate(after, before.layout, reason);
    ASSERT_EQ(reason, DropReason::none);
    ASSERT_EQ(stack.has_host, before.stack.has_host);
    ASSERT_TRUE(before.packet.checksums_hold(after, before.link.bytes + stack.ip_offset));
    ASSERT_EQ(strip_p4netintel(room.editable, before.link, stack), EditResult::done);
    ASSERT_EQ(room.frame(), before.packet.frame);
  }
}

TEST(EditPushHop, FirstTraceTakesTheConfiguredLayoutAndNamesIpv4) {
  test::Random random{42};
  for (const Layout layout : test::kAllLayouts) {
    const Carrier before = carrier(random, 0, true);
    Room room{before.frame};
    TracePlace place;
    ASSERT_EQ(push_hop(room.editable, before.link, before.stack, test::random_hop(random, layout),
                       layout, kNoLimit, place),
              EditResult::done);
    EXPECT_EQ(place.layout, layout);
    EXPECT_EQ(test::get_16(room.frame(), place.offset + p4netintel::trace_bytes(layout) - 2),
              0x0800u);
    EXPECT_EQ(hops_of(room.frame(), layout).size(), 1u);
  }
}

TEST(EditPushHop, TwentyHopsByTwentySwitchesAndNoMore) {
  test::Random random{43};
  for (const bool with_host : {false, true}) {
    Carrier packet = carrier(random, 1, with_host);
    Room room{packet.frame, kDeepHeadroom};
    TracePlace place;
    std::uint32_t hops = 1;
    for (;; ++hops) {
      DropReason reason{};
      const Frame frame = room.frame();
      const p4netintel::Stack stack = test::locate(frame, packet.layout, reason);
      ASSERT_EQ(reason, DropReason::none);
      const EditResult result =
          push_hop(room.editable, packet.link, stack, test::random_hop(random, packet.layout),
                   packet.layout, kNoLimit, place);
      if (result != EditResult::done) {
        EXPECT_EQ(result, EditResult::hop_limit);
        EXPECT_EQ(room.frame(), frame);
        break;
      }
    }
    EXPECT_EQ(hops, with_host ? 19u : 20u);
  }
}

TEST(EditPushHop, EveryRefusalLeavesTheFrameUntouched) {
  test::Random random{44};
  for (int round = 0; round < 2000; ++round) {
    const Carrier packet =
        carrier(random, 1 + test::below(random, 18), test::below(random, 2) == 0);
    const auto step = static_cast<std::uint32_t>(p4netintel::trace_bytes(packet.layout));
    const auto bytes = static_cast<std::uint32_t>(packet.frame.size());
    const auto refused = [&](std::size_t length, std::uint32_t headroom, std::uint32_t limit,
                             EditResult why) {
      Room room{{packet.frame.begin(), packet.frame.begin() + static_cast<std::ptrdiff_t>(length)},
                headroom};
      TracePlace place{.offset = 7, .layout = packet.layout};
      EXPECT_EQ(push_hop(room.editable, packet.link, packet.stack, {}, packet.layout, limit, place),
                why);
      EXPECT_TRUE(room.untouched()) << to_name(why);
      EXPECT_EQ(place.offset, 7u);
    };
    refused(bytes, step - 1, kNoLimit, EditResult::no_headroom);
    refused(bytes, 256, bytes + step - 1, EditResult::exceeds_mtu);
    const std::size_t padding = packet.packet.frame.size() - packet.packet.ip_end;
    refused(packet.link.bytes + test::below(random, bytes - padding - packet.link.bytes), 256,
            kNoLimit, EditResult::cut_short);
  }
}

TEST(EditPushHop, EgressTimeIsPatchedLateAndTouchesNothingElse) {
  test::Random random{45};
  for (int round = 0; round < 2000; ++round) {
    const Carrier packet = carrier(random, 1 + test::below(random, 18), true);
    HopRecord hop = test::random_hop(random, packet.layout);
    Room room{packet.frame};
    TracePlace place;
    ASSERT_EQ(
        push_hop(room.editable, packet.link, packet.stack, hop, packet.layout, kNoLimit, place),
        EditResult::done);
    const auto before = hops_of(room.frame(), packet.layout);
    const Frame frame_before = room.frame();
    const std::uint64_t egress = (hop.ingress_time + 1234) & 0xffff'ffff'ffff;
    patch_egress_time(room.editable.data, place, egress);
    if (packet.layout == Layout::standard || packet.layout == Layout::full) {
      hop.egress_time = egress;
      if (packet.layout == Layout::full) hop.hop_latency = 1234;
    } else {
      EXPECT_EQ(room.frame(), frame_before);
    }
    const auto after = hops_of(room.frame(), packet.layout);
    ASSERT_EQ(after.size(), before.size());
    EXPECT_TRUE(same(after[0], hop));
    for (std::size_t i = 1; i < after.size(); ++i) EXPECT_TRUE(same(after[i], before[i]));
  }
}

}  // namespace
}  // namespace valinor::telemetry
