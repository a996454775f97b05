/// Packets through AfxdpPort over veth, besides what conformance/ asks.
#include <sys/socket.h>

#include <atomic>
#include <thread>

#include "packet_io/afxdp_veth.hpp"

namespace valinor::packet_io::afxdp {
namespace {

/// Each in native copy and in generic mode.
class AfxdpPortTest : public VethTest, public testing::WithParamInterface<Mode> {};

INSTANTIATE_TEST_SUITE_P(Modes, AfxdpPortTest, testing::Values(Mode::copy, Mode::skb),
                         [](const auto& mode) { return std::string{to_name(mode.param)}; });

/// Every frame that the program redirected is accounted for; the identity of the whole program.
void expect_balance(const OpenInterface& opened) {
  std::uint64_t accounted = 0;
  for (const auto& port : opened.ports()) {
    const auto kernel = port->kernel_statistics();
    accounted += port->counters().received.value() + kernel.rx_dropped + kernel.rx_ring_full;
  }
  EXPECT_EQ(redirected(opened), accounted);
}

TEST_P(AfxdpPortTest, ReceivesTenThousandFramesInOrder) {
  Opened opened{near(GetParam()), {}};
  opened.steer();
  AfxdpPort& port = *opened.ports()[0];
  EXPECT_EQ(opened.mode_of(port), GetParam());
  Sender sender;
  std::uint32_t expected = 0;
  constexpr std::uint32_t kBurst = 50;
  for (std::uint32_t sent = 0; sent < 10'000; sent += kBurst) {
    sender.send(sent, kBurst);
    const std::size_t received = receive_all(port, kBurst, [&](const Frame& frame) {
      EXPECT_EQ(frame.bytes, 60U);
      EXPECT_EQ(number_of(frame.span()), expected++);
    });
    ASSERT_EQ(received, kBurst);
  }
  EXPECT_EQ(expected, 10'000U);
  EXPECT_EQ(port.census().total(), port.frames());
  expect_balance(opened);
}

TEST_P(AfxdpPortTest, SendsBackInPlaceWhatItReceives) {
  use_one_queue();
  Opened opened{near(GetParam()), {}};
  opened.steer();
  AfxdpPort& port = *opened.ports()[0];
  test::PacketSocket far{"far"};
  std::vector<Frame> burst(kMaxBurst);
  constexpr std::uint32_t kFrames = 4096;
  for (std::uint32_t i = 0; i < kFrames; ++i) {
    far.send(numbered(i, 60 + i % 1400));
    std::size_t n = 0;
    ASSERT_TRUE(eventually([&] {
      port.flush();
      n = port.receive(burst);
      if (n == 0) AfxdpPort::wait(std::array{&port});
      return n > 0;
    }));
    ASSERT_EQ(n, 1U);
    burst[0].data[0] = std::byte{0x02};  // edited in place
    ASSERT_EQ(port.transmit(std::span{burst}.first(n)), n);
    port.flush();
    const auto back = far.receive();
    ASSERT_EQ(back.size(), 60 + i % 1400);
    ASSERT_EQ(back[0], std::byte{0x02});
    ASSERT_EQ(number_of(back), i);
  }
  finish(port);
  EXPECT_EQ(port.counters().sent(), kFrames);
  EXPECT_EQ(port.counters().unfinished.value(), 0U);
  EXPECT_EQ(port.counters().bogus_addresses.value(), 0U);
  EXPECT_EQ(port.census().total(), port.frames());
  expect_balance(opened);
}

TEST_P(AfxdpPortTest, KeepsTheQueuesApart) {
  if (GetParam() == Mode::skb) GTEST_SKIP() << "to generic XDP all of veth is queue 0";
  Opened opened{near(GetParam(), {}), {}};
  opened.steer();
  ASSERT_EQ(opened.ports().size(), 2U);
  Sender sender0{QueueId{0}}, sender1{QueueId{1}};
  sender0.send(0, 20);
  sender1.send(1000, 30);
  EXPECT_EQ(receive_all(*opened.ports()[0], 20,
                        [](const Frame& frame) { EXPECT_LT(number_of(frame.span()), 1000U); }),
            20U);
  EXPECT_EQ(receive_all(*opened.ports()[1], 30,
                        [](const Frame& frame) { EXPECT_GE(number_of(frame.span()), 1000U); }),
            30U);
  expect_balance(opened);
}

TEST_P(AfxdpPortTest, BooksBalanceUnderOverloadFromAnotherThread) {
  Opened opened{near(GetParam()), {}};
  opened.steer();
  AfxdpPort& port = *opened.ports()[0];
  Sender sender;
  std::atomic<std::uint32_t> bursts_sent = 0;
  std::jthread network{[&] {
    for (std::uint32_t i = 0; i < 200; ++i, ++bursts_sent) sender.send(i * 500, 500);
  }};
  std::vector<Frame> burst(kMaxBurst);
  std::uint64_t not_sent = 0;
  ASSERT_TRUE(eventually([&] {
    const std::size_t n = port.receive(burst);
    const std::size_t taken = port.transmit(std::span{burst}.first(n));
    not_sent += n - taken;
    port.recycle(std::span{burst}.first(n).subspan(taken));
    port.flush();
    return bursts_sent >= 100;
  }));
  opened.unsteer();  // with the sender still at it
  for (std::size_t n; (n = port.receive(burst)) != 0;) {
    port.recycle(std::span{burst}.first(n));
    not_sent += n;
  }
  finish(port);
  expect_balance(opened);
  EXPECT_EQ(port.counters().unfinished.value(), 0U);
  EXPECT_EQ(port.counters().transmitted.value(), port.counters().completed.value());
  RecordProperty("received", static_cast<int>(port.counters().received.value()));
  RecordProperty("sent", static_cast<int>(port.counters().sent()));
  RecordProperty("ring_full", static_cast<int>(port.kernel_statistics().rx_ring_full));
  EXPECT_GT(port.counters().received.value(), 1000U);
  EXPECT_EQ(port.counters().sent() + port.counters().refused() + not_sent,
            port.counters().received.value());
  EXPECT_GE(port.census().total() + 1, port.frames());
}

TEST_P(AfxdpPortTest, SteersNothingBeforeSteerAndNothingAfterUnsteer) {
  Opened opened{near(GetParam()), {}};
  AfxdpPort& port = *opened.ports()[0];
  Sender sender;
  sender.send(0, 10);
  ASSERT_TRUE(eventually([&] { return opened.program().decisions().total() == 10; }));
  EXPECT_EQ(opened.program().decisions().frames[VALINOR_NO_SOCKET], 10U);
  opened.steer();
  sender.send(10, 10);
  EXPECT_EQ(receive_all(port, 10, [](const Frame&) {}), 10U);
  opened.unsteer();
  sender.send(20, 10);
  ASSERT_TRUE(eventually([&] { return opened.program().decisions().total() == 30; }));
  Frame frame;
  EXPECT_EQ(port.receive({&frame, 1}), 0U);
  EXPECT_EQ(opened.program().decisions().frames[VALINOR_NO_SOCKET], 20U);
}

TEST_P(AfxdpPortTest, LeavesOtherTrafficToTheStack) {
  use_one_queue();
  Opened opened{near(GetParam()), {}};
  opened.steer();
  test::PacketSocket near_stack{"near"}, far{"far"};
  auto other = numbered(7);
  other[12] = std::byte{0x08}, other[13] = std::byte{0x06};
  far.send(numbered(1));
  far.send(other);
  EXPECT_EQ(number_of(near_stack.receive()), 7U) << "the telemetry frame must not be here";
  EXPECT_EQ(receive_all(*opened.ports()[0], 1,
                        [](const Frame& frame) { EXPECT_EQ(number_of(frame.span()), 1U); }),
            1U);
  EXPECT_EQ(opened.program().decisions().frames[VALINOR_NOT_TELEMETRY], 1U);
}

TEST_P(AfxdpPortTest, TakesOnlyWhatFitsTheTransmitRing) {
  Opened opened{near(GetParam()), {}};
  AfxdpPort& port = *opened.ports()[0];
  std::vector<Frame> frames(200);
  ASSERT_EQ(port.allocate(frames), 200U);
  for (Frame& frame : frames) frame.bytes = 60;
  EXPECT_EQ(port.transmit(frames), 128U);
  EXPECT_EQ(port.transmit(std::span{frames}.subspan(128)), 0U);
  port.recycle(std::span{frames}.subspan(128));
  finish(port);
  EXPECT_EQ(port.counters().sent(), 128U);
  EXPECT_EQ(port.census().total(), port.frames());
}

TEST_P(AfxdpPortTest, ABurstLeavesWithOneCallWhereTheKernelCan) {
  Opened opened{near(GetParam()), {}};
  AfxdpPort& port = *opened.ports()[0];
  constexpr int kTransmitBudgetOption = 9;  // XDP_MAX_TX_SKB_BUDGET, Linux 6.17; else 32 frames
  const std::uint32_t budget = kMaxBurst;
  Sender other;
  const bool is_known = ::setsockopt(other.port().send_fd(), SOL_XDP, kTransmitBudgetOption,
                                     &budget, sizeof budget) == 0;
  std::vector<Frame> frames(kMaxBurst);
  ASSERT_EQ(port.allocate(frames), kMaxBurst);
  for (Frame& frame : frames) frame.bytes = 60;
  ASSERT_EQ(port.transmit(frames), kMaxBurst);
  port.flush();
  EXPECT_EQ(port.counters().wakes.value(), is_known ? 1U : kMaxBurst / 32);
  finish(port);
  EXPECT_EQ(port.counters().sent(), kMaxBurst);
}

/// What is received, or lost, does not slow down what is sent: the kernel keeps the two apart.
TEST_P(AfxdpPortTest, SendsByASocketThatReceivesNothing) {
  Opened opened{near(GetParam()), {}};
  AfxdpPort& port = *opened.ports()[0];
  EXPECT_NE(port.send_fd(), port.fd());
  Sender only_sends;
  EXPECT_EQ(only_sends.port().send_fd(), only_sends.port().fd());
  // The statistics are of both: that nothing was left to send, only the sender's socket knows.
  EXPECT_EQ(port.kernel_statistics().tx_ring_empty_descs, 0U);
  std::array<Frame, 1> frame;
  ASSERT_EQ(port.allocate(frame), 1U);
  frame[0].bytes = 60;
  ASSERT_EQ(port.transmit(frame), 1U);
  finish(port);
  EXPECT_EQ(port.counters().sent(), 1U);
  EXPECT_GT(port.kernel_statistics().tx_ring_empty_descs, 0U);
}

TEST_P(AfxdpPortTest, HasOneSocketWhereNothingIsSentOn) {
  InterfaceConfig config = near(GetParam());
  config.use = Use::receive_only;
  Opened opened{config, {}};
  opened.steer();
  AfxdpPort& port = *opened.ports()[0];
  EXPECT_EQ(port.send_fd(), port.fd());
  Sender sender;
  sender.send(0, 50);
  EXPECT_EQ(receive_all(port, 50, [](const Frame&) {}), 50U);
  expect_balance(opened);
}

TEST_P(AfxdpPortTest, CountsFramesThatTheDeviceOrThePortRefuses) {
  Opened opened{near(GetParam()), {}};
  AfxdpPort& port = *opened.ports()[0];
  std::vector<Frame> frames(5);
  ASSERT_EQ(port.allocate(frames), 5U);
  frames[0].bytes = 60;
  frames[1].bytes = 10;               // shorter than an Ethernet header: the kernel says EBUSY
  frames[2].bytes = 0;                // no frame at all
  frames[3].bytes = port.room() + 1;  // runs into the next frame's memory
  frames[4].bytes = 60;
  EXPECT_EQ(port.transmit(frames), 5U);
  finish(port);
  EXPECT_EQ(port.counters().sent(), 2U);
  EXPECT_EQ(port.counters().refused_by_device.value(), 1U);
  EXPECT_EQ(port.counters().refused_by_port.value(), 2U);
  EXPECT_EQ(port.census().total(), port.frames());
}

TEST_P(AfxdpPortTest, AnInterfaceThatIsDownIsTroubleAndItsFramesWaitInTheRing) {
  Opened opened{near(GetParam()), {}};
  AfxdpPort& port = *opened.ports()[0];
  std::vector<Frame> frames(3);
  ASSERT_EQ(port.allocate(frames), 3U);
  for (Frame& frame : frames) frame.bytes = 60;
  test::run_command("ip link set near down");
  ASSERT_EQ(port.transmit(frames), 3U);
  AfxdpPort::finish(std::array{&port}, std::chrono::steady_clock::now());
  EXPECT_GT(port.counters().device_trouble.value(), 0U);
  EXPECT_EQ(port.counters().unfinished.value(), 3U);
  EXPECT_EQ(port.census().total(), port.frames());
}

/// Two ports of a worker, whose interfaces come back one after the other while it waits for its
/// frames to leave: a port that is stuck does not use up the other's time.
TEST_P(AfxdpPortTest, WaitsForTheFramesOfAllPortsAtTheSameTime) {
  test::VethPair{"near2", "far2", 2};
  auto config2 = near(GetParam());
  config2.name = "near2";
  Opened opened1{near(GetParam()), {}}, opened2{config2, {}};
  const std::array ports{opened1.ports()[0].get(), opened2.ports()[0].get()};
  for (AfxdpPort* port : ports) {
    std::vector<Frame> frames(3);
    ASSERT_EQ(port->allocate(frames), 3U);
    for (Frame& frame : frames) frame.bytes = 60;
    ASSERT_EQ(port->transmit(frames), 3U);
  }
  test::run_command("ip link set near down; ip link set near2 down");
  std::jthread finishing{[&] {
    AfxdpPort::finish(ports, std::chrono::steady_clock::now() + std::chrono::seconds{10});
  }};
  EXPECT_TRUE(eventually([&] { return ports[1]->counters().device_trouble.value() > 0; }));
  test::run_command("ip link set near2 up");
  EXPECT_TRUE(eventually([&] { return ports[1]->counters().sent() == 3; }));
  test::run_command("ip link set near up");
  finishing.join();
  for (const AfxdpPort* port : ports) {
    EXPECT_EQ(port->counters().sent(), 3U);
    EXPECT_EQ(port->counters().unfinished.value(), 0U);
  }
}

/// Whether it is in effect depends on the kernel: veth has no NAPI to tell of when it is bound.
TEST_P(AfxdpPortTest, PreferredBusyPollingIsInEffectOrSaysWhyNot) {
  auto config = near(GetParam());
  config.prefer_busy_poll = true;
  Opened opened{config, {}};
  opened.steer();
  AfxdpPort& port = *opened.ports()[0];
  int prefers = 0;
  socklen_t bytes = sizeof prefers;
  ASSERT_EQ(::getsockopt(port.fd(), SOL_SOCKET, SO_PREFER_BUSY_POLL, &prefers, &bytes), 0);
  EXPECT_EQ(prefers, 1);
  Sender sender;
  for (std::uint32_t sent = 0; sent < 1000; sent += 50) {
    sender.send(sent, 50);
    ASSERT_EQ(receive_all(port, 50, [](const Frame&) {}), 50U);
  }
  if (port.is_busy_polling()) {
    EXPECT_TRUE(opened.findings().empty());
    EXPECT_EQ(OpenInterface::extras_of(port), ", busy polling");
  } else if (!port.busy_poll_refusal().empty()) {
    ASSERT_EQ(opened.findings().size(), 1U);
    EXPECT_EQ(opened.findings()[0].code, "XSK-BUSYPOLL-01");
    EXPECT_EQ(opened.findings()[0].what, "near: no preferred busy polling on queue 0");
    EXPECT_EQ(opened.findings()[0].why, port.busy_poll_refusal());
  }
  expect_balance(opened);
}

TEST_P(AfxdpPortTest, WakeUpEndsAWaitFromAnotherThread) {
  Opened opened{near(GetParam()), {}};
  AfxdpPort& port = *opened.ports()[0];
  // Before the wait as well as during it: no call is lost. Time is not asserted.
  port.wake_up();
  AfxdpPort::wait(std::array{&port});
  std::jthread other{[&] { port.wake_up(); }};
  AfxdpPort::wait(std::array{&port});
}

}  // namespace
}  // namespace valinor::packet_io::afxdp
