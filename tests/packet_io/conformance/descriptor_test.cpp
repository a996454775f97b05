/// What becomes of descriptors that are wrong, and when those that are right have left:
/// xskxceiver's ALIGNED_INV_DESC, STAT_TX_INVALID and TX_QUEUE_CONSUMER. The kernel never sees a
/// wrong one: the port refuses it.
#include <array>
#include <cstddef>

#include "packet_io/conformance/traffic.hpp"

namespace valinor::packet_io::afxdp {
namespace {

class Descriptor : public ConformanceTest {
 protected:
  void expect_only_good_ones_arrive(std::uint32_t frame_size);
};
INSTANTIATE_TEST_SUITE_P(Modes, Descriptor, testing::ValuesIn(settings_to_test()), name_of);

/// A port that only sends, so that all of its packet memory is the test's.
class Transmitter {
 public:
  Transmitter(const InterfaceConfig& config, Setting setting)
      : pool_{config.umem}, program_{{}, OtherTraffic::kernel, 1} {
    const Interface interface = find_interface(config.name);
    const bool skb = config.mode == Mode::skb;
    program_.attach(interface, skb ? AttachMode::generic : AttachMode::native);
    port_.emplace(interface, QueueId{0}, pool_, config.rings, config.mode, Use::transmit_only,
                  TxMetadataWishes{}, wishes_of(config));
    side_.emplace(*port_, setting);
    // A later one is on top of the free list: frames_[i] is the i-th of the memory.
    frames_.resize(config.umem.frames);
    EXPECT_EQ(port_->allocate(frames_), frames_.size());
  }
  ~Transmitter() {
    program_.detach();
    port_->recycle(frames_);
  }
  Transmitter(const Transmitter&) = delete;
  Transmitter& operator=(const Transmitter&) = delete;

  [[nodiscard]] const AfxdpPort& port() const { return *port_; }
  [[nodiscard]] const Umem& memory() const { return pool_.memory(); }

  /// Sends `bytes` at `address` of the memory, wherever that is, as the frame numbered `frame`;
  /// returns when the frame has come back.
  void send(std::size_t frame, std::int64_t address, std::uint32_t bytes) {
    Frame lie = frames_[frame];
    lie.data = memory().at(0) + address;
    lie.bytes = bytes;
    ASSERT_EQ(port_->transmit({&lie, 1}), 1U);
    ASSERT_TRUE(eventually([&] {
      side_->turn();
      return pool_.free() == 1;
    }));
    const std::uint64_t before = frames_[frame].address;
    ASSERT_EQ(port_->allocate({&frames_[frame], 1}), 1U);
    ASSERT_EQ(frames_[frame].address, before) << "another frame came back";
  }

 private:
  FramePool pool_;
  std::optional<AfxdpPort> port_;
  std::optional<Side> side_;
  RedirectProgram program_;  // goes before the socket
  std::vector<Frame> frames_;
};

/// Where a packet lies, and whether the port may take it.
struct Placement {
  std::int64_t address;
  std::uint32_t bytes;
  bool good;
};

/// The same ideas as the kernel's list: around both ends of the memory, of a frame, and of 2 KiB.
std::vector<Placement> placements(const Umem& memory) {
  const auto size = static_cast<std::int64_t>(memory.bytes());
  const std::int64_t frame = memory.frame_size();
  const bool large = frame > 2048;
  return {
      {.address = 0, .bytes = 64, .good = true},
      {.address = frame, .bytes = 0, .good = false},
      {.address = -64, .bytes = 64, .good = false},
      {.address = size, .bytes = 64, .good = false},
      {.address = size - 32, .bytes = 64, .good = false},
      {.address = size - 64, .bytes = 64, .good = true},
      {.address = 2 * frame - 32, .bytes = 64, .good = false},
      {.address = 2 * frame - 64, .bytes = 64, .good = true},
      {.address = 2048 - 32, .bytes = 64, .good = large},
      {.address = 0, .bytes = memory.frame_size() + 1, .good = false},
      {.address = 1, .bytes = memory.frame_size(), .good = false},
      {.address = frame, .bytes = 1U << 31, .good = false},
      {.address = std::int64_t{1} << 40, .bytes = 64, .good = false},
      {.address = frame, .bytes = 64, .good = true},
  };
}

void Descriptor::expect_only_good_ones_arrive(std::uint32_t frame_size) {
  auto near_config = config_of(near_), far_config = config_of(far_);
  near_config.umem.frame_size = far_config.umem.frame_size = frame_size;
  End near{near_config, GetParam()};
  Transmitter far{far_config, GetParam()};
  wait_for_carrier(near_);
  wait_for_carrier(far_);
  near.opened().steer();
  std::uint32_t number = 0, bad = 0;
  for (int round = 0; round < 16; ++round) {
    for (const Placement& place : placements(far.memory())) {
      if (!place.good) {
        ASSERT_NO_FATAL_FAILURE(far.send(1, place.address, place.bytes));
        ++bad;
        continue;
      }
      write_packet({far.memory().at(static_cast<std::uint64_t>(place.address)), place.bytes},
                   number);
      const auto frame = static_cast<std::size_t>(place.address / frame_size);
      ASSERT_NO_FATAL_FAILURE(far.send(frame, place.address, place.bytes));
      receive(near.side(), {.first = number++, .packets = 1});
    }
  }
  EXPECT_EQ(far.port().counters().refused_by_port.value(), bad);
  EXPECT_EQ(far.port().counters().refused_by_device.value(), 0U);
  EXPECT_EQ(far.port().counters().bogus_addresses.value(), 0U);
  EXPECT_EQ(far.port().counters().sent(), number);
  EXPECT_EQ(far.port().kernel_statistics().tx_invalid_descs, 0U);
  EXPECT_EQ(far.port().census().total(), far.port().frames());
  expect_conserved(near);
}

TEST_P(Descriptor, OnlyThoseWithinOneFrameAreSent) { expect_only_good_ones_arrive(4096); }

TEST_P(Descriptor, OnlyThoseWithinOneFrameOfTwoKibibytesAreSent) {
  expect_only_good_ones_arrive(2048);
}

TEST_P(Descriptor, EverySecondOneInvalidLeavesTheOthersWhole) {
  End near = open(near_), far = open(far_);
  connect(near, far);
  Sink sink{near.side(), {.arrives = [](std::uint32_t number) { return number % 2 == 0; }}};
  AfxdpPort& port = far.port();
  for (std::uint32_t number = 0; number < kPackets;) {
    std::array<Frame, 32> frames;
    ASSERT_EQ(port.allocate(frames), frames.size());
    for (Frame& frame : frames) {
      frame.bytes = 64;
      write_packet(frame.span(), number);
      if (number++ % 2 == 1) frame.bytes = port.room() + 1;
    }
    ASSERT_EQ(port.transmit(frames), frames.size());
    ASSERT_TRUE(eventually([&] {
      far.side().turn();
      sink.turn();
      return sink.progress() >= std::min(number, kPackets);
    })) << "packet "
        << sink.progress();
  }
  settle(far.side());
  EXPECT_EQ(port.counters().refused_by_port.value(), kPackets / 2);
  EXPECT_EQ(port.counters().sent(), kPackets / 2);
  EXPECT_EQ(port.kernel_statistics().tx_invalid_descs, 0U);
  expect_conserved(near);
  expect_conserved(far);
}

/// In copy mode one system call sends 32 packets, and before Linux 6.17 showed in the ring what it
/// took only with the next call.
TEST_P(Descriptor, TheTransmitRingIsEmptyAfterOneFlushOfAnyNumber) {
  End near = open(near_), far = open(far_);
  connect(near, far);
  AfxdpPort& port = far.port();
  std::uint32_t number = 0;
  for (int round = 0; round < 16; ++round) {
    for (const std::uint32_t count : {1U, 31U, 32U, 33U, 63U, 64U, 65U, 128U}) {
      std::vector<Frame> frames(count);
      ASSERT_EQ(port.allocate(frames), count);
      const std::uint32_t first = number;
      for (Frame& frame : frames) {
        frame.bytes = 64;
        write_packet(frame.span(), number++);
      }
      ASSERT_EQ(port.transmit(frames), count);
      far.side().turn();
      if (is_veth()) {  // a device may be slower than we are
        EXPECT_EQ(port.waiting_to_leave(), 0U) << "of " << count;
      }
      settle(far.side());
      receive(near.side(), {.first = first, .packets = count});
      EXPECT_EQ(port.waiting_to_leave(), 0U);
    }
  }
  EXPECT_EQ(port.counters().sent(), number);
  expect_conserved(near);
  expect_conserved(far);
}

}  // namespace
}  // namespace valinor::packet_io::afxdp
