/// Packets of several frames through AfxdpPort, over veth: received, sent and given back whole.
#include <fmt/format.h>

#include "packet_io/afxdp_veth.hpp"

namespace valinor::packet_io::afxdp {
namespace {

struct Jumbo {
  Mode mode;
  std::uint32_t frame_size;
};

/// An interface, and the packet memory that it may share.
class Side {
 public:
  Side(const InterfaceConfig& config, FramePools& pools)
      : pools_{pools}, opened_{config, {}, OtherTraffic::kernel, pools} {
    opened_.steer();
  }

  [[nodiscard]] AfxdpPort& port() { return *opened_.ports()[0]; }
  [[nodiscard]] OpenInterface& opened() { return opened_; }
  [[nodiscard]] FramePool& pool() { return *pools_[0]; }

  /// The next packet; no data where none comes.
  Frame next() {
    Frame frame;
    eventually([&] {
      port().flush();
      if (port().receive({&frame, 1}) == 1) return true;
      AfxdpPort::wait(std::array{&port()});
      return false;
    });
    return frame;
  }

  /// All bytes of a packet, from all of its buffers.
  std::vector<std::byte> bytes_of(const Frame& frame) {
    std::vector<std::byte> bytes(frame.data, frame.data + frame.bytes);
    if (frame.wire_bytes == frame.bytes) return bytes;
    const auto& chains = pool().chains();
    for (auto next = chains.after(frame.address); next.bytes != 0;
         next = chains.after(next.address)) {
      const std::byte* data = pool().memory().at(next.address);
      bytes.insert(bytes.end(), data, data + next.bytes);
    }
    return bytes;
  }

  void expect_nothing_lost() {
    port().flush();
    EXPECT_EQ(port().census().total(), port().frames());
    EXPECT_EQ(port().at_kernel(), 0U);
    EXPECT_EQ(port().counters().bogus_addresses.value(), 0U);
    const auto kernel = port().kernel_statistics();
    EXPECT_EQ(redirected(opened_), port().counters().received.value() + kernel.rx_dropped +
                                       kernel.rx_ring_full +
                                       port().counters().too_many_buffers.value());
  }

 private:
  FramePools& pools_;
  OpenInterface opened_;
};

/// Every byte depends on the number and its place.
std::vector<std::byte> packet(std::uint32_t number, std::size_t bytes) {
  auto content = numbered(number, bytes);
  for (std::size_t at = 18; at < bytes; ++at) {
    content[at] = static_cast<std::byte>((number * 0x9e3779b1U >> 24) + at * 13);
  }
  return content;
}

class AfxdpJumbo : public VethTest, public testing::WithParamInterface<Jumbo> {
 protected:
  static constexpr unsigned kMtu = 9000;
  static constexpr std::uint32_t kEthernet = 14;

  void SetUp() override {
    VethTest::SetUp();
    if (network_) make("near", "far", kMtu);
  }

  static void make(const std::string& left, const std::string& right, unsigned mtu) {
    test::run_command(fmt::format("ip link delete {} 2>/dev/null || true", left));
    test::VethPair{left, right, 1, mtu};
  }

  static InterfaceConfig config_of(const std::string& name) {
    auto config = near(GetParam().mode);
    config.name = name;
    config.umem.frame_size = GetParam().frame_size;
    return config;
  }

  /// From a packet of one frame to the largest one, in an order that mixes them.
  static std::uint32_t size_of(std::uint32_t number) {
    constexpr std::uint32_t kSmallest = 60, kLargest = kMtu + kEthernet;
    return kSmallest + number * 1931 % (kLargest - kSmallest + 1);
  }

  FramePools pools_;
};

INSTANTIATE_TEST_SUITE_P(Modes, AfxdpJumbo,
                         testing::Values(Jumbo{Mode::copy, 4096}, Jumbo{Mode::copy, 2048},
                                         Jumbo{Mode::skb, 4096}, Jumbo{Mode::skb, 2048}),
                         [](const auto& jumbo) {
                           return fmt::format("{}{}", to_name(jumbo.param.mode),
                                              jumbo.param.frame_size);
                         });

TEST_P(AfxdpJumbo, IsOneFrameOfItsFirstBufferAndKnowsTheLengthOfThePacket) {
  Side near{config_of("near"), pools_};
  test::PacketSocket far{"far"};
  const std::uint32_t room = near.port().room();
  std::uint64_t several = 0;
  for (const std::uint32_t bytes :
       {60U, room, room + 1, 2 * room, 2 * room + 1, kMtu + kEthernet}) {
    far.send(packet(bytes, bytes));
    const Frame frame = near.next();
    ASSERT_NE(frame.data, nullptr) << bytes;
    EXPECT_EQ(frame.wire_bytes, bytes);
    EXPECT_EQ(frame.bytes, std::min(bytes, room));
    EXPECT_EQ(near.pool().chains().buffers_of(frame), (bytes + room - 1) / room);
    EXPECT_EQ(near.bytes_of(frame), packet(bytes, bytes));
    several += bytes > room ? 1 : 0;
    near.port().recycle({&frame, 1});
  }
  EXPECT_EQ(near.port().counters().several_buffers.value(), several);
  near.expect_nothing_lost();
}

TEST_P(AfxdpJumbo, HasItsHeaderInFrontOfTheFirstBuffer) {
  auto config = config_of("near");
  config.metadata.driver_time = true;
  Side near{config, pools_};
  near.port().expect_headers(near.opened().program().tells(), near.opened().program().headerless());
  test::PacketSocket far{"far"};
  for (std::uint32_t i = 0; i < 200; ++i) {
    far.send(packet(i, size_of(i)));
    const Frame frame = near.next();
    EXPECT_EQ(frame.stamped_by, ArrivalStamp::driver) << i;
    EXPECT_EQ(near.bytes_of(frame), packet(i, size_of(i)));
    near.port().recycle({&frame, 1});
  }
  EXPECT_EQ(near.port().counters().headers.value(), 200U);
  near.expect_nothing_lost();
}

TEST_P(AfxdpJumbo, GoesBackWholeManyTimesTheMemory) {
  Side near{config_of("near"), pools_};
  test::PacketSocket far{"far"};
  for (std::uint32_t i = 0; i < 1000; ++i) {
    far.send(packet(i, size_of(i)));
    const Frame frame = near.next();
    ASSERT_EQ(frame.wire_bytes, size_of(i)) << i;
    near.port().recycle({&frame, 1});
  }
  near.expect_nothing_lost();
}

TEST_P(AfxdpJumbo, IsSentBackWholeAmongSmallOnes) {
  Side near{config_of("near"), pools_};
  test::PacketSocket far{"far"};
  for (std::uint32_t i = 0; i < 1000; ++i) {
    auto expected = packet(i, size_of(i));
    far.send(expected);
    Frame frame = near.next();
    ASSERT_EQ(frame.wire_bytes, size_of(i)) << i;
    frame.data[0] = expected[0] = std::byte{0x02};  // edited in place
    ASSERT_EQ(near.port().transmit({&frame, 1}), 1U);
    near.port().flush();
    ASSERT_EQ(far.receive(), expected) << i;
  }
  finish(near.port());
  EXPECT_EQ(near.port().counters().sent(), 1000U);
  EXPECT_EQ(near.port().counters().refused(), 0U);
  near.expect_nothing_lost();
}

TEST_P(AfxdpJumbo, PassesFromOneInterfaceToTheOtherInBursts) {
  make("near2", "far2", kMtu);
  Side near{config_of("near"), pools_}, near2{config_of("near2"), pools_};
  test::PacketSocket far{"far"}, far2{"far2"};
  constexpr std::uint32_t kBurst = 8;
  for (std::uint32_t first = 0; first < 800; first += kBurst) {
    for (std::uint32_t i = first; i < first + kBurst; ++i) far.send(packet(i, size_of(i)));
    std::vector<Frame> burst(kBurst);
    std::size_t received = 0;
    ASSERT_TRUE(eventually([&] {
      near.port().flush();
      received += near.port().receive(std::span{burst}.subspan(received));
      return received == kBurst;
    }));
    ASSERT_EQ(near2.port().transmit(burst), kBurst);
    near2.port().flush();
    for (std::uint32_t i = first; i < first + kBurst; ++i) {
      ASSERT_EQ(far2.receive(), packet(i, size_of(i))) << i;
    }
  }
  finish(near2.port());
  EXPECT_EQ(near2.port().counters().sent(), 800U);
  // Both count the free list, and each its own rings.
  near.port().flush();
  const auto in = near.port().census(), out = near2.port().census();
  EXPECT_EQ(in.total() + out.fill + out.rx + out.tx + out.completion, near.port().frames());
}

TEST_P(AfxdpJumbo, FindsRoomForAllOfItInTheRingOrForNone) {
  auto config = config_of("near");
  config.rings.tx = 64;
  Side near{config, pools_};
  test::PacketSocket far{"far"};
  far.send(packet(1, kMtu + kEthernet));
  const Frame jumbo = near.next();
  const std::uint32_t buffers = near.pool().chains().buffers_of(jumbo);
  ASSERT_GT(buffers, 2U);
  std::vector<Frame> small(64 - buffers + 1);
  ASSERT_EQ(near.port().allocate(small), small.size());
  for (Frame& frame : small) frame.bytes = 60;
  ASSERT_EQ(near.port().transmit(small), small.size());
  EXPECT_EQ(near.port().transmit({&jumbo, 1}), 0U) << "one descriptor is lacking";
  EXPECT_EQ(near.port().waiting_to_leave(), small.size());
  EXPECT_EQ(near.bytes_of(jumbo), packet(1, kMtu + kEthernet)) << "it stays whole";
  finish(near.port());
  ASSERT_EQ(near.port().transmit({&jumbo, 1}), 1U);
  EXPECT_EQ(near.port().waiting_to_leave(), buffers);
  finish(near.port());
  EXPECT_EQ(near.port().counters().sent(), small.size() + 1);
  near.expect_nothing_lost();
}

TEST_P(AfxdpJumbo, IsThrownAwayAndCountedWhereItIsTooLongToBeSent) {
  make("near", "far", 60000);
  auto config = config_of("near");
  Side near{config, pools_};
  test::PacketSocket far{"far"};
  const std::uint32_t room = near.port().room();
  const std::uint32_t longest = std::min(kMaxBuffers * room, 60000 + kEthernet);
  for (std::uint32_t i = 0; i < 100; ++i) {
    if (kMaxBuffers * room < 60000) far.send(packet(i, kMaxBuffers * room + 1));
    far.send(packet(i, longest));
    const Frame frame = near.next();
    ASSERT_EQ(frame.wire_bytes, longest);
    near.port().recycle({&frame, 1});
  }
  EXPECT_EQ(near.port().counters().too_many_buffers.value(),
            kMaxBuffers * room < 60000 ? 100U : 0U);
  near.expect_nothing_lost();
}

TEST_P(AfxdpJumbo, IsRefusedByAPortWhoseSocketSendsNone) {
  make("near2", "far2", 1500);
  Side near{config_of("near"), pools_}, near2{config_of("near2"), pools_};
  ASSERT_FALSE(near2.port().takes_several_buffers());
  test::PacketSocket far{"far"}, far2{"far2"};
  for (std::uint32_t i = 0; i < 300; ++i) {
    far.send(packet(i, kMtu + kEthernet));
    const Frame frame = near.next();
    ASSERT_EQ(frame.wire_bytes, kMtu + kEthernet);
    ASSERT_EQ(near2.port().transmit({&frame, 1}), 1U);
    near2.port().flush();
  }
  EXPECT_EQ(near2.port().counters().refused_by_port.value(), 300U);
  EXPECT_EQ(near2.port().counters().sent(), 0U);
  far.send(packet(300, 700));
  const Frame small = near.next();
  ASSERT_EQ(near2.port().transmit({&small, 1}), 1U);
  near2.port().flush();
  EXPECT_EQ(far2.receive(), packet(300, 700));
}

}  // namespace
}  // namespace valinor::packet_io::afxdp
