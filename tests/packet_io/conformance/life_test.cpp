/// Opening and closing under traffic: xskxceiver's XDP_PROG_CLEANUP and TEARDOWN.
#include <bpf/libbpf.h>

#include <atomic>
#include <filesystem>
#include <thread>

#include "packet_io/conformance/traffic.hpp"

namespace valinor::packet_io::afxdp {
namespace {

class Life : public ConformanceTest {};
INSTANTIATE_TEST_SUITE_P(Modes, Life, testing::ValuesIn(settings_to_test()), name_of);

std::size_t open_descriptors() {
  namespace fs = std::filesystem;
  return static_cast<std::size_t>(
      std::distance(fs::directory_iterator{"/proc/self/fd"}, fs::directory_iterator{}));
}

std::uint32_t program_on(const std::string& interface) {
  std::uint32_t id = 0;
  ::bpf_xdp_query_id(static_cast<int>(find_interface(interface).index.value()), 0, &id);
  return id;
}

TEST_P(Life, ASecondStartFindsTheQueueFreeAndReceivesFromItsFirstPacket) {
  End far = open(far_);
  for (std::uint32_t start = 0; start < 3; ++start) {
    {
      End near = open(near_);
      connect(near, far);
      transfer(far.side(), near.side(), {.first = start * kPackets});
      expect_conserved(near);
    }
    EXPECT_EQ(program_on(near_), 0U);
  }
  expect_conserved(far);
}

/// The socket goes first, the program stays: the kernel takes a closed socket out of the map by
/// itself, packets go to the stack, and the queue's next socket can be put in.
TEST_P(Life, AClosedSocketLeavesTheMapAndAnotherTakesItsPlace) {
  const Interface interface = find_interface(near_);
  const auto config = config_of(near_);
  RedirectProgram program{{}, OtherTraffic::kernel, 1};
  program.attach(interface, config.mode == Mode::skb ? AttachMode::generic : AttachMode::native);
  End far = open(far_);
  wait_for_carrier(near_);
  wait_for_carrier(far_);
  std::uint64_t delivered = 0;
  for (std::uint32_t round = 0; round < 3; ++round) {
    {
      FramePool pool{config.umem};
      AfxdpPort port{interface,    QueueId{0},       pool,
                     config.rings, config.mode,      Use::receive_and_transmit,
                     {},           wishes_of(config)};
      const Side side{port, GetParam()};
      program.steer(QueueId{0}, port.fd());
      transfer(far.side(), side);
      EXPECT_EQ(redirected(program), delivered += kPackets);
    }
    Source source{far.side(), {.packets = 10}};
    while (!source.done()) source.turn(10);
    const std::uint64_t passed = std::uint64_t{10} * (round + 1);
    EXPECT_TRUE(eventually([&] { return program.decisions().frames[VALINOR_NO_SOCKET] == passed; }))
        << program.decisions().frames[VALINOR_NO_SOCKET];
    EXPECT_EQ(redirected(program), delivered);
    settle(far.side());
  }
}

TEST_P(Life, TenTeardownsUnderTrafficLeaveNothingBehind) {
  End far = open(far_);
  std::atomic<std::uint32_t> under_way = 0;
  const auto flood = [&](const std::stop_token& stop) {
    for (std::uint32_t number = 0; !stop.stop_requested(); number += 32, ++under_way) {
      Source source{far.side(), {.first = number, .packets = 32}};
      while (!source.done() && !stop.stop_requested()) source.turn(number + 32);
    }
  };
  std::size_t before = 0;
  for (int i = 0; i < 10; ++i) {
    {
      std::jthread sender{flood};
      {
        End near = open(near_);
        wait_for_carrier(near_);
        near.opened().steer();
        std::array<Frame, kMaxBurst> memory;
        EXPECT_TRUE(eventually([&] {
          near.side().turn();
          const auto frames = std::span{memory}.first(near.port().receive(memory));
          for (const Frame& frame : frames) {
            EXPECT_TRUE(is_packet(frame.span(), number_of(frame.span()), 64));
          }
          near.port().recycle(frames);
          return near.port().counters().received.value() >= 256;
        }));
        EXPECT_EQ(near.port().counters().bogus_addresses.value(), 0U);
      }
      const std::uint32_t closed = under_way;
      // More comes for a queue that nobody has.
      EXPECT_TRUE(eventually([&] { return under_way >= closed + 8; }));
    }
    EXPECT_EQ(program_on(near_), 0U);
    if (i == 0) before = open_descriptors();
  }
  EXPECT_EQ(open_descriptors(), before);
  End near = open(near_);
  settle(far.side());
  connect(near, far);
  transfer(far.side(), near.side());
  expect_conserved(near);
}

}  // namespace
}  // namespace valinor::packet_io::afxdp
