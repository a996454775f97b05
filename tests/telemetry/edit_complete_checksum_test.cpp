#include "telemetry/edit/complete_checksum.hpp"

#include <gtest/gtest.h>

#include <array>
#include <random>

#include "edit_random_frame.hpp"
#include "telemetry/edit/insert.hpp"

namespace valinor::telemetry {
namespace {

using test::Frame;

bool complete(Frame& frame, std::size_t ip_at) {
  frame.shrink_to_fit();  // so that the address sanitizer sees a read too far
  return complete_checksum(frame, static_cast<std::uint32_t>(ip_at));
}

TEST(EditCompleteChecksum, UnfinishedOnesComeOutRight) {
  test::Random random{51};
  for (int round = 0; round < 20'000; ++round) {
    auto packet = test::random_packet(random, round % 2 == 0);
    const Frame finished = packet.frame;
    packet.leave_checksum_unfinished();
    ASSERT_TRUE(complete(packet.frame, packet.ip_at));
    ASSERT_EQ(packet.frame, finished);
    ASSERT_TRUE(packet.checksums_hold(packet.frame, packet.ip_at));
  }
}

TEST(EditCompleteChecksum, FinishedAndWrongOnesStay) {
  test::Random random{52};
  for (int round = 0; round < 20'000; ++round) {
    auto packet = test::random_packet(random, round % 2 == 0);
    if (round % 3 == 0) {  // neither right nor the pseudo-header's sum
      packet.leave_checksum_unfinished();
      test::put_16(packet.frame, packet.checksum_at(),
                   test::get_16(packet.frame, packet.checksum_at()) ^ 0x0100);
    }
    const Frame before = packet.frame;
    (void)complete(packet.frame, packet.ip_at);
    ASSERT_EQ(packet.frame, before);
  }
}

TEST(EditCompleteChecksum, AFinishedOneThatLooksUnfinishedStaysRight) {
  // The payload is chosen so that the right checksum equals the pseudo-header's sum: completing
  // it writes what is there.
  test::Random random{53};
  int looked_alike = 0;
  while (looked_alike < 20) {
    auto packet = test::random_packet(random);
    if (!packet.is_udp || packet.ip_end - packet.transport_at < 10) continue;
    const std::size_t wanted = static_cast<std::uint16_t>(
        ~test::plain_checksum(packet.covered(packet.frame, packet.ip_at, true)));
    for (std::size_t word = 0; word < 0x10000; ++word) {
      test::put_16(packet.frame, packet.transport_at + 8, word);
      packet.finish_checksum();
      if (test::get_16(packet.frame, packet.checksum_at()) == wanted) break;
    }
    if (test::get_16(packet.frame, packet.checksum_at()) != wanted) continue;
    ++looked_alike;
    const Frame before = packet.frame;
    EXPECT_TRUE(complete(packet.frame, packet.ip_at));
    EXPECT_EQ(packet.frame, before);
  }
}

TEST(EditCompleteChecksum, UdpNeverSaysNoneWhereItWasComputed) {
  test::Random random{54};
  int zeros = 0;
  while (zeros < 20) {
    auto packet = test::random_packet(random, zeros % 2 == 0);
    if (!packet.is_udp || packet.ip_end - packet.transport_at < 10) continue;
    // Whatever the checksum says, put into the payload as well, takes it to 0.
    test::put_16(packet.frame, packet.transport_at + 8, 0);
    packet.finish_checksum();
    test::put_16(packet.frame, packet.transport_at + 8,
                 test::get_16(packet.frame, packet.checksum_at()));
    packet.finish_checksum();
    ASSERT_EQ(test::get_16(packet.frame, packet.checksum_at()), 0xffffu);
    ++zeros;
    packet.leave_checksum_unfinished();
    ASSERT_TRUE(complete(packet.frame, packet.ip_at));
    EXPECT_EQ(test::get_16(packet.frame, packet.checksum_at()), 0xffffu);
  }
}

TEST(EditCompleteChecksum, NoUdpChecksumStaysNone) {
  test::Random random{55};
  for (int round = 0; round < 1000; ++round) {
    auto packet = test::random_packet(random);
    if (!packet.is_udp) continue;
    test::put_16(packet.frame, packet.checksum_at(), 0);
    EXPECT_FALSE(complete(packet.frame, packet.ip_at));
    EXPECT_EQ(test::get_16(packet.frame, packet.checksum_at()), 0u);
  }
}

TEST(EditCompleteChecksum, FragmentsLiesAndShortFramesStay) {
  test::Random random{56};
  for (int round = 0; round < 2000; ++round) {
    auto packet = test::random_packet(random);
    packet.leave_checksum_unfinished();
    const auto stays = [&](Frame frame) {
      const Frame before = frame;
      EXPECT_FALSE(complete(frame, packet.ip_at));
      EXPECT_EQ(frame, before);
    };
    Frame frame = packet.frame;
    test::put_16(frame, packet.ip_at + 6, 0x2000);
    stays(frame);
    test::put_16(frame, packet.ip_at + 6, 5);
    stays(frame);
    frame = packet.frame;
    frame.resize(test::below(random, packet.ip_end));
    stays(frame);
    if (!packet.is_udp) continue;
    frame = packet.frame;
    test::put_16(frame, packet.transport_at + 4, test::below(random, 8));
    stays(frame);
    test::put_16(frame, packet.transport_at + 4, packet.ip_end - packet.transport_at + 1);
    stays(frame);
  }
}

TEST(EditCompleteChecksum, BehindTelemetry) {
  test::Random random{57};
  for (int round = 0; round < 500; ++round) {
    auto packet = test::random_packet(random);
    packet.leave_checksum_unfinished();
    test::Room room{packet.frame};
    const auto traces = test::random_traces(random, p4netintel::Layout::standard, 4);
    ASSERT_EQ(insert_p4netintel(room.editable, *wire::parse_link(packet.frame),
                                p4netintel::Layout::standard, traces, std::nullopt, 0xffff),
              EditResult::done);
    const auto ip_at = static_cast<std::uint32_t>(packet.ip_at + 4 + traces.size());
    EXPECT_TRUE(complete_checksum(room.editable.span(), ip_at));
    EXPECT_TRUE(packet.checksums_hold(room.frame(), ip_at));
  }
}

/// As of a jumbo frame that the port holds in several frames of packet memory.
TEST(EditCompleteChecksum, WhereThePacketGoesOnElsewhere) {
  test::Random random{58};
  for (int round = 0; round < 20'000; ++round) {
    auto packet = test::random_packet(random, round % 2 == 0);
    const Frame finished = packet.frame;
    packet.leave_checksum_unfinished();
    // Anywhere behind the transport header, also at odd places, in the padding and at the end.
    const std::size_t header_end = packet.transport_at + (packet.is_udp ? 8 : 20);
    const auto between = [&random](std::size_t low, std::size_t high) {
      return std::uniform_int_distribution{low, high}(random);
    };
    const std::size_t first = between(header_end, packet.frame.size());
    const std::size_t second = between(first, packet.frame.size());
    const wire::Bytes all{packet.frame};
    const std::array rest{all.subspan(first, second - first), all.subspan(second)};
    const std::span head{packet.frame.data(), first};
    ASSERT_TRUE(complete_checksum(head, static_cast<std::uint32_t>(packet.ip_at), rest));
    ASSERT_EQ(packet.frame, finished);
    if (first < packet.ip_end) {
      packet.leave_checksum_unfinished();
      ASSERT_FALSE(complete_checksum(head, static_cast<std::uint32_t>(packet.ip_at)));
    }
  }
}

/// What a NIC does with it: adds up from `start` to the end, the field's own sum included.
TEST(FindUnfinishedChecksum, TellsANicWhatToAddAndWhereToPutIt) {
  test::Random random{53};
  int found = 0;
  for (int round = 0; round < 20'000; ++round) {
    auto packet = test::random_packet(random, round % 2 == 0);
    const auto ip_at = static_cast<std::uint32_t>(packet.ip_at);
    const Frame finished = packet.frame;
    packet.leave_checksum_unfinished();
    const auto place = find_unfinished_checksum(packet.frame, ip_at);
    if (!place) continue;  // padding behind it
    ++found;
    std::uint32_t sum = 0;
    for (std::size_t i = place->start; i < packet.frame.size(); ++i) {
      const auto byte = std::to_integer<std::uint32_t>(packet.frame[i]);
      sum += (i - place->start) % 2 == 0 ? byte << 8 : byte;
    }
    while (sum >> 16 != 0) sum = (sum & 0xffff) + (sum >> 16);
    const auto checksum = static_cast<std::uint16_t>(sum == 0xffff ? 0xffff : ~sum);
    const std::size_t field = std::size_t{place->start} + place->offset;
    packet.frame[field] = static_cast<std::byte>(checksum >> 8);
    packet.frame[field + 1] = static_cast<std::byte>(checksum);
    ASSERT_TRUE(packet.checksums_hold(packet.frame, packet.ip_at));
    packet.frame.push_back(std::byte{1});
    packet.leave_checksum_unfinished();
    ASSERT_FALSE(find_unfinished_checksum(packet.frame, ip_at)) << "a NIC would add the padding";
  }
  EXPECT_GT(found, 10'000);
}

}  // namespace
}  // namespace valinor::telemetry
