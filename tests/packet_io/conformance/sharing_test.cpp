/// Packet memory of two sockets, and sockets in the wrong place: xskxceiver's XDP_SHARED_UMEM, in
/// our way, and what it does not ask.
#include <array>

#include "packet_io/conformance/traffic.hpp"

namespace valinor::packet_io::afxdp {
namespace {

class Sharing : public ConformanceTest {};
INSTANTIATE_TEST_SUITE_P(Modes, Sharing, testing::ValuesIn(settings_to_test()), name_of);

/// Both ends register the same memory, as the two sides of a forwarding worker do. What near
/// receives, far sends where it lies, so that the packets go round and round.
TEST_P(Sharing, AFrameReceivedByOnePortIsSentByTheOtherWhereItIs) {
  constexpr std::uint32_t kRound = 32;
  FramePools pools;
  auto config = config_of(near_);
  config.umem.frames = 8192;
  End near{config, GetParam(), pools}, far{config_of(far_), GetParam(), pools};
  ASSERT_EQ(pools.size(), 1U);
  connect(near, far);
  Source source{far.side(), {.packets = kRound}};
  while (!source.done()) source.turn(kRound);

  std::uint32_t due = 0;
  ASSERT_TRUE(eventually([&] {
    near.side().turn();
    far.side().turn();
    std::array<Frame, kMaxBurst> memory;
    const auto frames = std::span{memory}.first(near.port().receive(memory));
    for (Frame& frame : frames) {
      EXPECT_TRUE(is_packet(frame.span(), due, 64));
      write_packet(frame.span(), due++ + kRound);
    }
    EXPECT_EQ(far.port().transmit(frames), frames.size());
    return due >= kPackets || HasFailure();
  }));
  settle(far.side());
  receive(near.side(), {.first = due, .packets = kRound});  // the last round

  EXPECT_EQ(near.port().counters().received.value(), due + kRound);
  EXPECT_EQ(far.port().counters().sent(), due + kRound);
  EXPECT_EQ(near.port().counters().bogus_addresses.value(), 0U);
  EXPECT_EQ(far.port().counters().bogus_addresses.value(), 0U);
  if (!is_zerocopy()) {
    // The free list and the worker's hands are in both counts.
    const FrameCensus a = near.port().census(), b = far.port().census();
    EXPECT_EQ(a.total() + b.total() - a.free - a.worker, near.port().frames());
  }
}

/// A socket that the map has in another queue's slot receives nothing, its counters say nothing,
/// and only the program's count tells that something was sent its way. RedirectProgram::steer()
/// asks for the right one; this is what happens otherwise.
TEST_P(Sharing, PacketsForAnotherQueuesSocketVanishUncounted) {
  if (is_veth()) make_veth_with_two_queues();
  const Interface interface = find_interface(near_);
  if (interface.queues.receive < 2) GTEST_SKIP() << near_ << " has one queue";
  const auto config = config_of(near_);
  FramePool right_pool{config.umem}, wrong_pool{config.umem};
  RedirectProgram program{{}, OtherTraffic::kernel, 2};
  program.attach(interface, config.mode == Mode::skb ? AttachMode::generic : AttachMode::native);
  AfxdpPort right{interface, QueueId{0}, right_pool, config.rings, config.mode};
  AfxdpPort wrong{interface, QueueId{1}, wrong_pool, config.rings, config.mode};
  End far = open(far_);
  wait_for_carrier(near_);
  wait_for_carrier(far_);

  program.steer(QueueId{0}, wrong.fd());
  Source source{far.side(), {.packets = 32}};
  while (!source.done()) source.turn(32);
  ASSERT_TRUE(eventually([&] { return redirected(program) == 32; }));
  for (AfxdpPort* port : {&right, &wrong}) {
    port->flush();
    Frame frame;
    EXPECT_EQ(port->receive({&frame, 1}), 0U);
    const auto kernel = port->kernel_statistics();
    EXPECT_EQ(kernel.rx_dropped + kernel.rx_ring_full + kernel.rx_fill_ring_empty_descs, 0U);
  }

  program.steer(QueueId{0}, right.fd());
  settle(far.side());
  transfer(far.side(), Side{right, GetParam()});
  program.detach();
}

}  // namespace
}  // namespace valinor::packet_io::afxdp
