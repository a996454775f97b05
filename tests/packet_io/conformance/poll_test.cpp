/// poll(2) on a port's sockets; AfxdpPort::wait() stands on that of the one that receives:
/// xskxceiver's POLL family.
#include <poll.h>

#include <array>
#include <thread>

#include "packet_io/conformance/traffic.hpp"

namespace valinor::packet_io::afxdp {
namespace {

class Poll : public ConformanceTest {};
INSTANTIATE_TEST_SUITE_P(Modes, Poll, testing::ValuesIn(settings_to_test()), name_of);

/// Long enough for the other side's packets; short where nothing is to come.
constexpr int kLongMs = 5000, kShortMs = 20;

bool ready(const AfxdpPort& port, short events, int timeout_ms) {
  pollfd source{events == POLLOUT ? port.send_fd() : port.fd(), events, 0};
  return ::poll(&source, 1, timeout_ms) == 1 && (source.revents & events) != 0;
}

/// Has the kernel send, and collects nothing.
void kick(const AfxdpPort& port) { ready(port, POLLOUT, 0); }

/// Takes `count` frames and puts numbered packets into the TX ring, unseen by the kernel as yet.
void put_into_ring(AfxdpPort& port, std::uint32_t first, std::uint32_t count) {
  std::vector<Frame> frames(count);
  ASSERT_EQ(port.allocate(frames), count);
  for (std::uint32_t i = 0; i < count; ++i) {
    frames[i].bytes = 64;
    write_packet(frames[i].span(), first + i);
  }
  ASSERT_EQ(port.transmit(frames), count);
}

TEST_P(Poll, SaysThatPacketsAreThereAsLongAsTheyAre) {
  End near = open(near_), far = open(far_);
  connect(near, far);
  near.side().turn();
  for (std::uint32_t number = 0; number < kPackets; number += 32) {
    const Stream burst{.first = number, .packets = 32};
    Source source{far.side(), burst};
    while (!source.done()) source.turn(burst.end());
    ASSERT_TRUE(ready(near.port(), POLLIN, kLongMs));
    Sink sink{near.side(), burst};
    ASSERT_TRUE(eventually([&] {
      // Frames may still be on their way behind the first one.
      return (sink.turn() || ready(near.port(), POLLIN, kLongMs)) && sink.done();
    }));
    ASSERT_FALSE(ready(near.port(), POLLIN, 0));
    settle(far.side());
  }
  expect_conserved(near);
  expect_conserved(far);
}

TEST_P(Poll, EndsWithoutPacketsWhenNoneCome) {
  End near = open(near_), far = open(far_);
  connect(near, far);
  near.side().turn();
  EXPECT_FALSE(ready(near.port(), POLLIN, kShortMs));
  AfxdpPort::wait(std::array{&near.port()});
  Frame frame;
  EXPECT_EQ(near.port().receive({&frame, 1}), 0U);
  transfer(far.side(), near.side(), {.packets = 1});
}

TEST_P(Poll, AloneSendsWhatIsInTheRing) {
  End near = open(near_), far = open(far_);
  connect(near, far);
  for (std::uint32_t number = 0; number < kPackets; number += 64) {
    put_into_ring(far.port(), number, 64);
    Sink sink{near.side(), {.first = number, .packets = 64}};
    ASSERT_TRUE(eventually([&] {
      const bool room = ready(far.port(), POLLOUT, kShortMs);
      sink.turn();
      return room && sink.done();
    }));
    EXPECT_EQ(far.port().waiting_to_leave(), 0U);
    settle(far.side());
  }
  EXPECT_EQ(far.port().counters().sent(), kPackets);
  expect_conserved(near);
  expect_conserved(far);
}

/// Two things in one, since only the second makes the first: frames that were sent and that nobody
/// collects stop the sending for good, and then poll finds no room in the TX ring. flush() ends it.
TEST_P(Poll, FindsNoRoomWhileNobodyCollectsWhatWasSent) {
  constexpr std::uint32_t kRing = 64;
  auto config = config_of(far_);
  config.rings.tx = config.rings.completion = kRing;
  End near = open(near_), far{config, GetParam()};
  connect(near, far);
  AfxdpPort& port = far.port();
  put_into_ring(port, 0, kRing);
  ASSERT_TRUE(eventually([&] {
    kick(port);
    return port.census().completion == kRing;
  }));
  put_into_ring(port, kRing, kRing);
  for (int i = 0; i < 100; ++i) kick(port);
  EXPECT_FALSE(ready(port, POLLOUT, kShortMs));
  EXPECT_EQ(port.waiting_to_leave(), kRing);
  EXPECT_EQ(port.census().completion, kRing);
  receive(near.side(), {.packets = kRing});

  settle(far.side());
  EXPECT_TRUE(ready(port, POLLOUT, kLongMs));
  receive(near.side(), {.first = kRing, .packets = kRing});
  EXPECT_EQ(port.counters().sent(), 2 * kRing);
  expect_conserved(near);
  expect_conserved(far);
}

/// AfxdpPort::wait() is what a worker sleeps in: it must not miss a packet.
TEST_P(Poll, WaitingBeforeEachBurstLosesNothing) {
  End near = open(near_), far = open(far_);
  connect(near, far);
  Source source{far.side(), {}};
  Sink sink{near.side(), {}};
  std::jthread sender{[&](const std::stop_token& stop) {
    while (!source.done() && !stop.stop_requested()) {
      if (!source.turn(sink.progress() + kWindow)) std::this_thread::yield();
    }
    settle(far.side());
  }};
  EXPECT_TRUE(eventually([&] {
    near.side().turn();
    AfxdpPort::wait(std::array{&near.port()});
    sink.turn();
    return sink.done();
  }));
  sender.request_stop();
  sender.join();
  expect_conserved(near);
  expect_conserved(far);
}

}  // namespace
}  // namespace valinor::packet_io::afxdp
