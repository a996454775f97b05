/// Packets that do not arrive are counted, each once, by its reason: xskxceiver's STAT family and
/// XDP_DROP_HALF. Those that do arrive are whole and in order.
#include <array>

#include "packet_io/conformance/link.hpp"
#include "packet_io/conformance/traffic.hpp"

namespace valinor::packet_io::afxdp {
namespace {

class Statistics : public ConformanceTest {};
INSTANTIATE_TEST_SUITE_P(Modes, Statistics, testing::ValuesIn(settings_to_test()), name_of);

/// Sends all of it, without anyone receiving.
void send(End& from, const Stream& stream) {
  Source source{from.side(), stream};
  ASSERT_TRUE(eventually([&] {
    source.turn(stream.end());
    return source.done();
  }));
  settle(from.side());
}

bool eventually_redirected(const End& end, std::uint64_t packets) {
  return eventually([&] {
    end.side().turn();
    return redirected(end.opened().program()) >= packets;
  });
}

TEST_P(Statistics, PacketsLargerThanAFrameAreDroppedAndCounted) {
  if (is_zerocopy()) GTEST_SKIP() << "what happens to them is the driver's";
  constexpr std::uint32_t kRoom = 1024;
  auto config = config_of(near_);
  config.umem.headroom = config.umem.frame_size - kHeadroom - kRoom;
  // The guard wants an MTU that fits; afterwards it grows behind its back.
  const std::uint32_t mtu = find_interface(near_).mtu;
  set_mtu(near_, kRoom - 22);
  End near{config, GetParam()};
  set_mtu(near_, mtu);
  End far = open(far_);
  connect(near, far);
  EXPECT_EQ(near.port().room(), kRoom);
  transfer(far.side(), near.side(),
           {.bytes = [](std::uint32_t number) { return number % 2 == 0 ? kRoom : kRoom + 1; },
            .arrives = [](std::uint32_t number) { return number % 2 == 0; }});
  EXPECT_EQ(near.port().counters().received.value(), kPackets / 2);
  EXPECT_EQ(near.port().kernel_statistics().rx_dropped, kPackets / 2);
  EXPECT_EQ(near.port().kernel_statistics().rx_ring_full, 0U);
  expect_conserved(near);
  expect_conserved(far);
}

TEST_P(Statistics, PacketsThatFindTheReceiveRingFullAreCounted) {
  constexpr std::uint32_t kRing = 64, kSent = 200;
  auto config = config_of(near_);
  config.rings.rx = kRing;
  End near{config, GetParam()}, far = open(far_);
  connect(near, far);
  near.side().turn();
  send(far, {.packets = kSent});
  ASSERT_TRUE(eventually_redirected(near, kSent));
  EXPECT_EQ(near.port().kernel_statistics().rx_ring_full, kSent - kRing);
  EXPECT_EQ(near.port().kernel_statistics().rx_dropped, 0U);
  receive(near.side(), {.packets = kRing});
  transfer(far.side(), near.side(), {.first = kSent});
  EXPECT_EQ(near.port().counters().received.value(), kRing + kPackets);
  // In copy mode the kernel keeps the frame that it had taken for a packet without room.
  expect_conserved(near, 1);
  expect_conserved(far);
}

TEST_P(Statistics, PacketsThatFindNoFrameAreCountedAndLaterOnesArrive) {
  constexpr std::uint32_t kFrames = 8, kSent = 20;
  auto config = config_of(near_);
  config.umem.frames = kFrames;
  End near{config, GetParam()}, far = open(far_);
  connect(near, far);
  near.side().turn();
  send(far, {.packets = kSent});
  if (is_zerocopy()) {
    // Where a device without descriptors leaves a packet is its own affair: it may wait outside.
    ASSERT_TRUE(eventually([&] {
      near.side().turn();
      return near.port().census().rx == kFrames;
    }));
    EXPECT_GT(near.port().kernel_statistics().rx_fill_ring_empty_descs, 0U);
    return;
  }
  ASSERT_TRUE(eventually_redirected(near, kSent));
  // The kernel counts one event twice.
  EXPECT_EQ(near.port().kernel_statistics().rx_dropped, kSent - kFrames);
  EXPECT_EQ(near.port().kernel_statistics().rx_fill_ring_empty_descs, kSent - kFrames);
  receive(near.side(), {.packets = kFrames});
  for (std::uint32_t number = kSent; number < kSent + kPackets; number += kFrames) {
    transfer(far.side(), near.side(), {.first = number, .packets = kFrames});
  }
  EXPECT_EQ(near.port().counters().received.value(), kFrames + kPackets);
  expect_conserved(near);
  expect_conserved(far);
}

TEST_P(Statistics, HalfOfThePacketsAreDroppedByTheProgram) {
  End near{config_of(near_), GetParam(), {}, OtherTraffic::drop}, far = open(far_);
  connect(near, far);
  const auto is_telemetry = [](std::uint32_t number) { return number % 2 == 0; };
  transfer(far.side(), near.side(),
           {.ethertype =
                [=](std::uint32_t number) { return is_telemetry(number) ? kTelemetry : kOther; },
            .arrives = is_telemetry});
  ASSERT_TRUE(eventually(
      [&] { return near.opened().program().decisions().frames[VALINOR_DROPPED] == kPackets / 2; }));
  EXPECT_EQ(redirected(near.opened().program()), kPackets / 2);
  EXPECT_EQ(near.port().counters().received.value(), kPackets / 2);
  expect_conserved(near);
  expect_conserved(far);
}

}  // namespace
}  // namespace valinor::packet_io::afxdp
