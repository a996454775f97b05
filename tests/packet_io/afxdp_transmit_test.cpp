/// What is asked for frames that are sent, and what comes back: on invented memory, then on veth,
/// where the kernel itself answers (copy mode, Linux 6.8).
#include <array>
#include <cstring>

#include "packet_io/afxdp/tx_metadata.hpp"
#include "packet_io/afxdp_veth.hpp"
#include "support/packet_builder.hpp"
#include "wire/be.hpp"
#include "wire/checksum.hpp"
#include "wire/headers.hpp"
#include "wire/packet.hpp"

namespace valinor::packet_io::afxdp {
namespace {

constexpr TxMetadataWishes kTime{.time = true};

class TxMetadataTest : public testing::Test {
 protected:
  /// What stands in front of a frame, as the kernel reads and writes it.
  struct Seen {
    std::uint64_t flags;
    std::uint64_t answer;
    std::uint64_t launch_ns;
  };
  Seen at(std::uint64_t address) const {
    Seen seen{};
    std::memcpy(&seen, umem.at(address) - sizeof seen, sizeof seen);
    return seen;
  }
  void answer(std::uint64_t address, std::uint64_t nanos) const {
    std::memcpy(umem.at(address) - 16, &nanos, sizeof nanos);
  }

  Umem umem{{.frames = 4, .frame_size = 2048}};
  Frame frame{.bytes = 60, .arrival = {Nanos{5000}}};
};

TEST_F(TxMetadataTest, ATimeThatWasAskedForComesBackWithTheFramesArrival) {
  TxMetadata metadata{umem, kTime};
  EXPECT_EQ(metadata.request(frame, 2048 + 256), tx_kernel::kDescribed);
  EXPECT_EQ(at(2048 + 256).flags, tx_kernel::kTimestamp);
  answer(2048 + 256, 7000);
  metadata.completed(2048 + 256);
  ASSERT_EQ(metadata.departures().size(), 1U);
  EXPECT_EQ(metadata.departures()[0].arrival.since_epoch, Nanos{5000});
  EXPECT_EQ(metadata.departures()[0].time, Nanos{7000});
  metadata.forget();
  metadata.completed(2048 + 256);
  EXPECT_TRUE(metadata.departures().empty()) << "it came back once already";
}

TEST_F(TxMetadataTest, WhereNobodyAnswersThereIsNoTime) {
  TxMetadata metadata{umem, {.time = true, .checksum = true}};
  frame.checksum_start = 34;
  frame.checksum_offset = 6;
  answer(256, 123'456);  // of an earlier use of this memory
  ASSERT_EQ(metadata.request(frame, 256), tx_kernel::kDescribed);
  EXPECT_EQ(at(256).flags, tx_kernel::kTimestamp | tx_kernel::kChecksum);
  metadata.completed(256);
  frame.checksum_offset = 0;
  ASSERT_EQ(metadata.request(frame, 2048 + 256), tx_kernel::kDescribed);
  metadata.completed(2048 + 256);
  ASSERT_EQ(metadata.departures().size(), 2U);
  for (const Departure& departure : metadata.departures()) EXPECT_EQ(departure.time, Nanos{0});
}

TEST_F(TxMetadataTest, OnlyFramesThatWereSentFromThereAreBelieved) {
  TxMetadata metadata{umem, kTime};
  ASSERT_EQ(metadata.request(frame, 256), tx_kernel::kDescribed);
  answer(256, 7000);
  for (const std::uint64_t address :
       {std::uint64_t{0}, std::uint64_t{255}, std::uint64_t{257}, std::uint64_t{2048 + 256},
        std::uint64_t{4 * 2048}, std::uint64_t{0x80000a}, ~std::uint64_t{0}}) {
    metadata.completed(address);
  }
  EXPECT_TRUE(metadata.departures().empty());
  answer(256, std::uint64_t{1} << 62);  // no time
  metadata.completed(256);
  ASSERT_EQ(metadata.departures().size(), 1U);
  EXPECT_EQ(metadata.departures()[0].time, Nanos{0});
}

TEST_F(TxMetadataTest, WithoutRoomInFrontOfAFrameNothingIsAsked) {
  TxMetadata metadata{umem, kTime};
  ASSERT_EQ(metadata.request(frame, 2048 + 256), tx_kernel::kDescribed);
  EXPECT_EQ(metadata.request(frame, 2048 + 23), 0U);
  metadata.completed(2048 + 23);
  metadata.completed(2048 + 256);
  EXPECT_TRUE(metadata.departures().empty()) << "that frame was sent from elsewhere since";
  EXPECT_EQ(metadata.request(frame, 2048 + 24), tx_kernel::kDescribed);
}

TEST_F(TxMetadataTest, ALaunchTimeIsAskedForOnlyWhereAFrameHasOne) {
  TxMetadata metadata{umem, {.launch_time = true}};
  EXPECT_EQ(metadata.request(frame, 256), 0U);
  frame.launch_ns = 1'800'000'000'000'000'000;
  EXPECT_EQ(metadata.request(frame, 256), tx_kernel::kDescribed);
  EXPECT_EQ(at(256).flags, tx_kernel::kLaunchTime);
  EXPECT_EQ(at(256).launch_ns, frame.launch_ns);
  metadata.completed(256);
  EXPECT_TRUE(metadata.departures().empty()) << "no time was asked for";
}

class AfxdpTransmit : public VethTest {
 protected:
  static Nanos tai_now() {
    timespec now{};
    ::clock_gettime(CLOCK_TAI, &now);
    return std::chrono::seconds{now.tv_sec} + Nanos{now.tv_nsec};
  }
  AfxdpPort make(const TxMetadataWishes& wishes) {
    return {find_interface("near"), QueueId{0}, pool_, rings_, Mode::copy,
            Use::transmit_only,     wishes};
  }
  static void send(AfxdpPort& port, std::span<const std::byte> content, Frame frame = {}) {
    const Frame asked = frame;
    ASSERT_EQ(port.allocate({&frame, 1}), 1U);
    std::memcpy(frame.data, content.data(), content.size());
    frame.bytes = static_cast<std::uint32_t>(content.size());
    frame.arrival = asked.arrival;
    frame.checksum_start = asked.checksum_start;
    frame.checksum_offset = asked.checksum_offset;
    ASSERT_EQ(port.transmit({&frame, 1}), 1U);
    ASSERT_TRUE(eventually([&] {
      port.flush();
      return port.counters().completed.value() == port.counters().transmitted.value();
    }));
  }

  FramePool pool_{{.frames = 64, .frame_size = 4096}};
  RingSizes rings_{.rx = 64, .fill = 64, .tx = 64, .completion = 64};
};

TEST_F(AfxdpTransmit, TheKernelSaysWhenEachFrameLeft) {
  AfxdpPort port = make(kTime);
  if (!port.transmit_grants().time) GTEST_SKIP() << port.transmit_refusal();
  EXPECT_EQ(port.departure_clock(), DepartureClock::tai);
  for (std::uint32_t i = 0; i < 1000; ++i) {
    const Nanos before = tai_now();
    send(port, numbered(i), {.arrival = {before}});
    ASSERT_EQ(port.departures().size(), 1U);
    EXPECT_EQ(port.departures()[0].arrival.since_epoch, before);
    EXPECT_GT(port.departures()[0].time, before);
    EXPECT_LT(port.departures()[0].time, tai_now());
    port.forget_departures();
  }
  EXPECT_EQ(port.counters().sent(), 1000U);
  EXPECT_EQ(port.counters().device_trouble.value(), 0U);
  EXPECT_EQ(port.census().total(), port.frames());
}

TEST_F(AfxdpTransmit, DeparturesThatNobodyReadsDoNoHarm) {
  AfxdpPort port = make(kTime);
  for (std::uint32_t i = 0; i < 300; ++i) send(port, numbered(i));
  EXPECT_LE(port.departures().size(), port.frames());
  EXPECT_EQ(port.counters().sent(), 300U);
}

/// The pseudo-header's sum is in the field; the kernel adds the rest.
TEST_F(AfxdpTransmit, AChecksumIsCompletedOnTheWayOut) {
  AfxdpPort port = make({.checksum = true, .software_checksum = true});
  if (!port.transmit_grants().checksum) GTEST_SKIP() << "no transmit metadata in this kernel";
  test::PacketSocket far{"far"};
  auto content = test::PacketBuilder{}.ethernet().ipv4(17).udp(1, 5000).payload(40).build();
  const wire::Bytes packet = wire::Bytes{content}.subspan(14);
  const wire::Ip ip = wire::parse_ip(packet, wire::ethertype::kIpv4);
  const auto transport = wire::find_transport(packet, ip);
  ASSERT_TRUE(transport);
  const auto wanted = wire::transport_checksum(packet, ip, *transport);
  std::byte* const field = content.data() + 14 + transport->checksum_offset;
  wire::store_be<2>(field, wire::pseudo_header_sum(packet, ip, *transport));
  send(port, content, {.checksum_start = 34, .checksum_offset = 6});
  const auto received = far.receive();
  ASSERT_EQ(received.size(), content.size());
  EXPECT_EQ(wire::load_be<2>(received.data() + 14 + transport->checksum_offset), wanted);
}

TEST_F(AfxdpTransmit, InCopyModeTheNicIsNotAskedForChecksumsOrLaunchTimes) {
  const AfxdpPort port = make({.checksum = true, .launch_time = true});
  EXPECT_FALSE(port.transmit_grants().any());
}

}  // namespace
}  // namespace valinor::packet_io::afxdp
