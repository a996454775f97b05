/// Packets arrive as they were sent: xskxceiver's SEND_RECEIVE family.
#include <thread>

#include "packet_io/conformance/traffic.hpp"

namespace valinor::packet_io::afxdp {
namespace {

class SendReceive : public ConformanceTest {};
INSTANTIATE_TEST_SUITE_P(Modes, SendReceive, testing::ValuesIn(settings_to_test()), name_of);

TEST_P(SendReceive, GetsTheModeThatWasAskedFor) {
  End near = open(near_);
  EXPECT_EQ(near.opened().mode_of(near.port()), GetParam().mode);
  EXPECT_EQ(near.port().is_zerocopy(), is_zerocopy());
}

TEST_P(SendReceive, EveryPacketArrivesOnceAndInOrder) {
  End near = open(near_), far = open(far_);
  connect(near, far);
  transfer(far.side(), near.side());
  EXPECT_EQ(near.port().counters().received.value(), kPackets);
  EXPECT_EQ(far.port().counters().sent(), kPackets);
  expect_conserved(near);
  expect_conserved(far);
}

TEST_P(SendReceive, AlsoInFramesOfTwoKibibytes) {
  auto near_config = config_of(near_), far_config = config_of(far_);
  near_config.umem.frame_size = far_config.umem.frame_size = 2048;
  End near{near_config, GetParam()}, far{far_config, GetParam()};
  connect(near, far);
  transfer(far.side(), near.side(),
           {.bytes = [](std::uint32_t number) { return 64 + number % 1200; }});
  expect_conserved(near);
  expect_conserved(far);
}

TEST_P(SendReceive, ASinglePacketNeedsNoneBehindIt) {
  End near = open(near_), far = open(far_);
  connect(near, far);
  for (std::uint32_t number = 0; number < 64; ++number) {
    transfer(far.side(), near.side(), {.first = number, .packets = 1});
  }
  expect_conserved(near);
  expect_conserved(far);
}

TEST_P(SendReceive, EverySizeUpToTheLargestPacket) {
  End near = open(near_), far = open(far_);
  connect(near, far);
  const std::uint32_t largest = near.opened().interface().mtu + 14;
  transfer(far.side(), near.side(),
           {.bytes = [largest](std::uint32_t number) { return 60 + number % (largest - 60 + 1); }});
  expect_conserved(near);
  expect_conserved(far);
}

/// One side: sends its stream and receives the other's, in one thread as a worker does.
struct Talker {
  Talker(const Side& side, const Stream& out, const Stream& in)
      : where{side}, source{side, out}, sink{side, in} {}

  void talk_to(const Talker& other) {
    const auto deadline = std::chrono::steady_clock::now() + 2 * kPatience;
    while (!(source.done() && sink.done()) && std::chrono::steady_clock::now() < deadline) {
      const bool sent = source.turn(other.sink.progress() + kWindow);
      if (!sink.turn() && !sent) std::this_thread::yield();
    }
    EXPECT_TRUE(source.done());
    EXPECT_TRUE(sink.done()) << "packet " << sink.progress() << " did not come";
    settle(where);
  }

  const Side& where;
  Source source;
  Sink sink;
};

TEST_P(SendReceive, InBothDirectionsAtOnce) {
  End near = open(near_), far = open(far_);
  connect(near, far);
  const auto size_of = [](std::uint32_t number) { return 60 + number % 700; };
  const Stream to_near{.first = 0, .packets = kPackets, .bytes = size_of};
  const Stream to_far{.first = 1'000'000, .packets = kPackets, .bytes = size_of};
  Talker near_talker{near.side(), to_far, to_near}, far_talker{far.side(), to_near, to_far};
  {
    std::jthread other{[&] { far_talker.talk_to(near_talker); }};
    near_talker.talk_to(far_talker);
  }
  EXPECT_EQ(near.port().counters().received.value(), kPackets);
  EXPECT_EQ(far.port().counters().received.value(), kPackets);
  expect_conserved(near);
  expect_conserved(far);
}

TEST_P(SendReceive, OneWayAndThenTheOther) {
  End near = open(near_), far = open(far_);
  connect(near, far);
  transfer(far.side(), near.side());
  transfer(near.side(), far.side(), {.first = 7});
  expect_conserved(near);
  expect_conserved(far);
}

TEST_P(SendReceive, FramesHaveTheHeadroomThatWasAskedForAndGrowIntoIt) {
  constexpr std::uint32_t kExtra = 128, kGrowth = 200;
  auto config = config_of(near_);
  config.umem.headroom = kExtra;
  End near{config, GetParam()}, far = open(far_);
  connect(near, far);
  Source source{far.side(), {}};
  Sink back{far.side(), {.bytes = [](std::uint32_t) { return 64 + kGrowth; }}};
  std::uint32_t next = 0;
  ASSERT_TRUE(eventually([&] {
    source.turn(back.progress() + kWindow);
    near.side().turn();
    std::array<Frame, kMaxBurst> memory;
    const auto frames = std::span{memory}.first(near.port().receive(memory));
    for (Frame& frame : frames) {
      EXPECT_EQ(frame.headroom, kHeadroom + kExtra);
      EXPECT_TRUE(is_packet(frame.span(), next, 64));
      frame.data -= kGrowth;
      frame.bytes += kGrowth;
      write_packet(frame.span(), next++);
    }
    EXPECT_EQ(near.port().transmit(frames), frames.size());
    near.side().turn();
    back.turn();
    return back.done() || HasFailure();
  }));
  EXPECT_TRUE(back.done());
  settle(far.side());
  settle(near.side());
  expect_conserved(near);
  expect_conserved(far);
}

}  // namespace
}  // namespace valinor::packet_io::afxdp
