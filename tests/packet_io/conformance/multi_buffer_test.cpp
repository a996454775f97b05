/// Packets of several frames: xskxceiver's SEND_RECEIVE_9K_PACKETS, TOO_MANY_FRAGS and
/// ALIGNED_INV_DESC_MULTI_BUFF.
#include <algorithm>
#include <numeric>

#include "nic/xdp_features.hpp"
#include "packet_io/conformance/link.hpp"
#include "packet_io/conformance/traffic.hpp"

namespace valinor::packet_io::afxdp {
namespace {

constexpr std::uint32_t kMtu = 9000;
constexpr std::uint32_t kLargest = kMtu + 14;

class MultiBuffer : public ConformanceTest {
 protected:
  void SetUp() override {
    ConformanceTest::SetUp();
    if (IsSkipped() || HasFatalFailure()) return;
    for (const auto& name : {near_, far_}) {
      const auto features = nic::xdp_features(nic::Device{name}).value_or(nic::XdpFeatures{});
      const bool one_buffer = is_zerocopy() && features.zc_max_segments.value_or(1) < 3;
      if (!features.can(nic::XdpAct::rx_sg) || one_buffer) {
        GTEST_SKIP() << name << ": its driver has no packets of several buffers";
      }
      set_mtu(name, kMtu);
    }
  }
};
INSTANTIATE_TEST_SUITE_P(Modes, MultiBuffer, testing::ValuesIn(settings_to_test()), name_of);

/// A numbered packet in the memory of `end`, in buffers of these lengths; no data where it has too
/// few free frames.
Frame make_packet(End& end, std::uint32_t number, const std::vector<std::uint32_t>& lengths) {
  std::vector<Frame> buffers(lengths.size());
  const std::size_t got = end.port().allocate(buffers);
  if (got < buffers.size()) {
    end.port().recycle(std::span{buffers}.first(got));
    return {};
  }
  const std::uint32_t bytes = std::accumulate(lengths.begin(), lengths.end(), 0U);
  std::vector<std::byte> content(bytes);
  write_packet(content, number);
  auto from = content.begin();
  for (std::size_t i = 0; i < buffers.size(); ++i) {
    std::copy_n(from, std::min(lengths[i], end.port().room()), buffers[i].data);
    from += lengths[i];
    if (i > 0) end.pool().chains().link(buffers[i - 1].address, {buffers[i].address, lengths[i]});
  }
  buffers[0].bytes = lengths[0];
  buffers[0].wire_bytes = bytes;
  return buffers[0];
}

/// Lengths of the buffers of a packet that fills each but the last.
std::vector<std::uint32_t> filling(const End& end, std::uint32_t bytes) {
  std::vector<std::uint32_t> lengths(bytes / end.port().room(), end.port().room());
  if (bytes % end.port().room() != 0) lengths.push_back(bytes % end.port().room());
  return lengths;
}

void send(End& end, const Frame& packet) {
  ASSERT_TRUE(eventually([&] {
    const bool taken = end.port().transmit({&packet, 1}) == 1;
    end.side().turn();
    return taken;
  }));
}

/// The next packet that comes is this one, whole. `from` takes its turns as well: the kernel sends
/// as much as fits the socket's send buffer, 16 packets of 9 kB, and more when it is asked again.
void expect_packet(End& from, End& end, std::uint32_t number, std::uint32_t bytes) {
  Frame frame;
  ASSERT_TRUE(eventually([&] {
    from.side().turn();
    end.side().turn();
    if (end.port().receive({&frame, 1}) == 1) return true;
    end.side().wait();
    return false;
  })) << "packet "
      << number;
  std::vector<std::byte> content(frame.data, frame.data + frame.bytes);
  if (frame.wire_bytes > frame.bytes) {
    for (auto next = end.pool().chains().after(frame.address); next.bytes != 0;
         next = end.pool().chains().after(next.address)) {
      const std::byte* data = end.pool().memory().at(next.address);
      content.insert(content.end(), data, data + next.bytes);
    }
  }
  EXPECT_EQ(frame.wire_bytes, bytes);
  ASSERT_EQ(content.size(), bytes);
  EXPECT_TRUE(is_packet(content, number, bytes));
  end.port().recycle({&frame, 1});
}

/// So many under way at a time: more frames than the kernel sends in one call, and more bytes than
/// the send buffer takes.
constexpr std::uint32_t kTogether = 64;

template <class Bytes>
void expect_all(End& from, End& to, Bytes bytes_of) {
  for (std::uint32_t first = 0; first < kPackets; first += kTogether) {
    for (std::uint32_t i = first; i < first + kTogether; ++i) {
      Frame packet;
      ASSERT_TRUE(eventually([&] {
        from.side().turn();
        packet = make_packet(from, i, filling(from, bytes_of(i)));
        return packet.data != nullptr;
      }));
      ASSERT_NO_FATAL_FAILURE(send(from, packet));
    }
    for (std::uint32_t i = first; i < first + kTogether; ++i) {
      ASSERT_NO_FATAL_FAILURE(expect_packet(from, to, i, bytes_of(i)));
    }
  }
  settle(from.side());
  to.side().turn();
  EXPECT_EQ(from.port().counters().sent(), kPackets);
  EXPECT_EQ(to.port().counters().received.value(), kPackets);
}

TEST_P(MultiBuffer, PacketsOfNineKilobytesArriveOnceAndInOrder) {
  End near = open(near_), far = open(far_);
  connect(near, far);
  expect_all(far, near, [](std::uint32_t) { return kMtu; });
  expect_conserved(near);
  expect_conserved(far);
}

TEST_P(MultiBuffer, PacketsOfAllSizesArriveOnceAndInOrder) {
  End near = open(near_), far = open(far_);
  connect(near, far);
  const auto bytes_of = [](std::uint32_t number) { return 60 + number * 1931 % (kLargest - 59); };
  expect_all(far, near, bytes_of);
  expect_all(near, far, bytes_of);
  expect_conserved(near);
  expect_conserved(far);
}

TEST_P(MultiBuffer, OfAsManyBuffersAsTheKernelTakesArrivesAndOfOneMoreIsRefused) {
  End near = open(near_), far = open(far_);
  connect(near, far);
  const std::uint32_t most =
      is_zerocopy() ? nic::xdp_features(nic::Device{far_})->zc_max_segments.value() : kMaxBuffers;
  for (std::uint32_t i = 0; i < 200; ++i) {
    const Frame right = make_packet(far, i, std::vector<std::uint32_t>(most, 100));
    const Frame wrong = make_packet(far, i, std::vector<std::uint32_t>(most + 1, 100));
    ASSERT_NO_FATAL_FAILURE(send(far, wrong));
    ASSERT_NO_FATAL_FAILURE(send(far, right));
    ASSERT_NO_FATAL_FAILURE(expect_packet(far, near, i, most * 100));
    settle(far.side());
  }
  EXPECT_EQ(far.port().counters().refused_by_port.value(), 200U);
  EXPECT_EQ(far.port().kernel_statistics().tx_invalid_descs, 0U);
  expect_conserved(near);
  expect_conserved(far);
}

TEST_P(MultiBuffer, WithOneWrongBufferIsRefusedWholeAndTheNextArrives) {
  End near = open(near_), far = open(far_);
  connect(near, far);
  const std::uint32_t room = far.port().room();
  std::uint32_t number = 0, refused = 0;
  for (int round = 0; round < 50; ++round) {
    for (const std::size_t wrong_at : {0U, 1U, 2U}) {
      std::vector<std::uint32_t> lengths(3, 1000);
      lengths[wrong_at] = room + 1;  // runs into the next frame
      const Frame wrong = make_packet(far, number, lengths);
      const Frame right = make_packet(far, number, {room, 1, 1000});
      ASSERT_NO_FATAL_FAILURE(send(far, wrong));
      ++refused;
      ASSERT_NO_FATAL_FAILURE(send(far, right));
      ASSERT_NO_FATAL_FAILURE(expect_packet(far, near, number++, room + 1001));
      settle(far.side());
    }
  }
  EXPECT_EQ(far.port().counters().refused_by_port.value(), refused);
  EXPECT_EQ(far.port().counters().sent(), number);
  EXPECT_EQ(far.port().kernel_statistics().tx_invalid_descs, 0U);
  expect_conserved(near);
  expect_conserved(far);
}

}  // namespace
}  // namespace valinor::packet_io::afxdp
