#include "telemetry/edit/strip.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "edit_random_frame.hpp"
#include "support/golden.hpp"
#include "telemetry/edit/insert.hpp"

namespace valinor::telemetry {
namespace {

using p4netintel::Layout;
using test::Frame;
using test::Room;

/// A packet with three traces, as insert_p4netintel() makes it.
Frame with_traces(const Frame& packet) {
  test::Random random{31};
  Room room{packet};
  const auto traces = test::random_traces(random, Layout::standard, 3);
  EXPECT_EQ(insert_p4netintel(room.editable, *wire::parse_link(packet), Layout::standard, traces,
                              HostTimes{}, 0xffff),
            EditResult::done);
  return room.frame();
}

TEST(EditStrip, ACopyForAMonitorIsRefusedAtEveryLength) {
  test::Random random{32};
  const auto packet = test::random_packet(random);
  const Frame whole = with_traces(packet.frame);
  DropReason reason{};
  const p4netintel::Stack stack = test::locate(whole, Layout::standard, reason);
  const std::size_t ip_end = whole.size() - (packet.frame.size() - packet.ip_end);
  const std::size_t ip_at = wire::parse_link(whole)->bytes + stack.ip_offset;
  for (std::size_t length = ip_at - 4; length < ip_end; ++length) {
    Room room{{whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(length)}, 0};
    ASSERT_EQ(strip_p4netintel(room.editable, *wire::parse_link(whole), stack),
              EditResult::cut_short);
    ASSERT_TRUE(room.untouched());
  }
}

TEST(EditStrip, FragmentsAreStrippedToo) {
  // A switch inserts behind Ethernet without looking, and the host must get every fragment.
  test::Random random{33};
  const auto packet = test::random_packet(random);
  Frame frame = with_traces(packet.frame);
  DropReason reason{};
  const p4netintel::Stack stack = test::locate(frame, Layout::standard, reason);
  const wire::Link link = *wire::parse_link(frame);
  test::put_16(frame, link.bytes + stack.ip_offset + 6, 0x2003);
  Room room{frame, 0};
  EXPECT_EQ(strip_p4netintel(room.editable, link, stack), EditResult::done);
  Frame expected = packet.frame;
  test::put_16(expected, packet.ip_at + 6, 0x2003);
  EXPECT_EQ(room.frame(), expected);
}

TEST(EditStrip, GoldenFramesKeepTheirPacket) {
  std::size_t stripped = 0;
  for (const auto& [name, bytes] : test::golden_frames()) {
    if (!name.starts_with("p4netintel_cs")) continue;
    const auto layout = static_cast<Layout>(name[13] - '0');
    DropReason reason{};
    const p4netintel::Stack stack = test::locate(bytes, layout, reason);
    ASSERT_EQ(reason, DropReason::none) << name;
    const wire::Link link = *wire::parse_link(bytes);
    Room room{bytes, 0};
    ASSERT_EQ(strip_p4netintel(room.editable, link, stack), EditResult::done) << name;
    Frame expected{bytes.begin(), bytes.begin() + link.bytes - 2};
    expected.insert(expected.end(), {std::byte{0x08}, std::byte{0x00}});
    expected.insert(expected.end(), bytes.begin() + link.bytes + stack.ip_offset, bytes.end());
    EXPECT_EQ(room.frame(), expected) << name;
    ++stripped;
  }
  EXPECT_GE(stripped, 20u);
}

}  // namespace
}  // namespace valinor::telemetry
