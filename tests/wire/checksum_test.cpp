#include "wire/checksum.hpp"

#include <gtest/gtest.h>

#include <random>
#include <vector>

#include "wire/be.hpp"
#include "wire/headers.hpp"

namespace valinor::wire {
namespace {

/// RFC 1071, section 4.1, word by word.
std::uint16_t plain_sum(Bytes bytes, std::uint32_t start) {
  std::uint64_t sum = start;
  for (std::size_t i = 0; i < bytes.size(); i += 2) {
    sum += std::to_integer<std::uint64_t>(bytes[i]) << 8;
    if (i + 1 < bytes.size()) sum += std::to_integer<std::uint64_t>(bytes[i + 1]);
  }
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<std::uint16_t>(sum);
}

std::uint16_t plain_checksum(Bytes bytes) {
  return static_cast<std::uint16_t>(~plain_sum(bytes, 0));
}

std::vector<std::byte> random_bytes(std::mt19937& random, std::size_t count) {
  std::vector<std::byte> bytes(count);
  for (auto& byte : bytes) byte = static_cast<std::byte>(random());
  return bytes;
}

TEST(Checksum, ExampleOfRfc1071) {
  const std::vector<std::byte> bytes{std::byte{0x00}, std::byte{0x01}, std::byte{0xf2},
                                     std::byte{0x03}, std::byte{0xf4}, std::byte{0xf5},
                                     std::byte{0xf6}, std::byte{0xf7}};
  EXPECT_EQ(ones_complement_sum(bytes), 0xddf2);
}

TEST(Checksum, AgreesWithThePlainSumOnRandomBytes) {
  std::mt19937 random{1};
  for (std::size_t length = 0; length < 300; ++length) {
    const auto bytes = random_bytes(random, length);
    const auto start = static_cast<std::uint32_t>(random());
    EXPECT_EQ(ones_complement_sum(bytes, start), plain_sum(bytes, start)) << length;
  }
}

TEST(Checksum, ExampleOfRfc1624) {
  // Section 4: where equation 2 gives the wrong 0xffff, equation 3 gives 0x0000.
  EXPECT_EQ(updated_checksum(0xdd2f, 0x5555, 0x3285), 0x0000);
}

TEST(Checksum, UpdatingAgreesWithSummingAnew) {
  std::mt19937 random{2};
  for (int round = 0; round < 100'000; ++round) {
    auto bytes = random_bytes(random, 8 + random() % 120);
    // Edges are where one's complement has two zeros: make them common.
    if (round % 2 == 0) {
      const std::byte edge{round % 4 == 0 ? std::uint8_t{0} : std::uint8_t{0xff}};
      for (auto& byte : bytes) {
        if (random() % 8 != 0) byte = edge;
      }
      bytes[0] = std::byte{0x45};  // something covered is never 0
    }
    const std::uint16_t before = plain_checksum(bytes);
    const std::size_t at = 2 + 2 * (random() % ((bytes.size() - 2) / 2));
    std::size_t count = 1 + random() % (bytes.size() - at);
    if (at + count != bytes.size()) count &= ~std::size_t{1};  // odd only at the end
    const std::vector<std::byte> old{bytes.begin() + static_cast<std::ptrdiff_t>(at),
                                     bytes.begin() + static_cast<std::ptrdiff_t>(at + count)};
    auto fresh = random_bytes(random, count);
    if (round % 3 == 0) {
      for (auto& byte : fresh)
        byte = std::byte{random() % 2 == 0 ? std::uint8_t{0xff} : std::uint8_t{0}};
    }
    std::copy(fresh.begin(), fresh.end(), bytes.begin() + static_cast<std::ptrdiff_t>(at));
    ASSERT_EQ(updated_checksum(before, old, fresh), plain_checksum(bytes)) << round;
    if (count == 2) {
      ASSERT_EQ(updated_checksum(before, load_be<2>(old.data()), load_be<2>(fresh.data())),
                plain_checksum(bytes));
    }
  }
}

/// An IP packet of `version` with `transport` bytes behind its header.
std::vector<std::byte> packet_of(std::mt19937& random, unsigned version, std::uint8_t protocol,
                                 std::size_t transport) {
  const std::size_t header = version == 4 ? sizeof(Ipv4Header) : sizeof(Ipv6Header);
  auto packet = random_bytes(random, header + transport);
  if (version == 4) {
    packet[0] = std::byte{0x45};
    store_be<2>(packet.data() + 2, static_cast<std::uint16_t>(packet.size()));
    store_be<2>(packet.data() + 6, 0);
    packet[9] = std::byte{protocol};
  } else {
    packet[0] = std::byte{0x60};
    store_be<2>(packet.data() + 4, static_cast<std::uint16_t>(transport));
    packet[6] = std::byte{protocol};
  }
  if (protocol == ip_protocol::kUdp && transport >= sizeof(UdpHeader)) {
    store_be<2>(packet.data() + header + 4, static_cast<std::uint16_t>(transport));
  }
  return packet;
}

Ip ip_of(const std::vector<std::byte>& packet) {
  return parse_ip(packet, packet[0] == std::byte{0x45} ? ethertype::kIpv4 : ethertype::kIpv6);
}

TEST(TransportChecksum, AddsUpWithThePseudoHeader) {
  std::mt19937 random{3};
  for (int round = 0; round < 4000; ++round) {
    const unsigned version = round % 2 == 0 ? 4 : 6;
    const std::uint8_t protocol = round % 4 < 2 ? ip_protocol::kUdp : ip_protocol::kTcp;
    auto packet = packet_of(random, version, protocol, 20 + random() % 200);
    const Ip ip = ip_of(packet);
    const auto transport = find_transport(packet, ip);
    ASSERT_TRUE(transport);
    store_be<2>(packet.data() + transport->checksum_offset,
                transport_checksum(packet, ip, *transport));
    std::vector<std::byte> covered{packet.begin() + (version == 4 ? 12 : 8),
                                   packet.begin() + (version == 4 ? 20 : 40)};
    covered.resize(covered.size() + 4);
    store_be<2>(covered.data() + covered.size() - 4, static_cast<std::uint16_t>(transport->bytes));
    store_be<2>(covered.data() + covered.size() - 2, protocol);
    EXPECT_EQ(pseudo_header_sum(packet, ip, *transport), plain_sum(covered, 0));
    covered.insert(covered.end(), packet.begin() + transport->offset, packet.end());
    ASSERT_EQ(plain_sum(covered, 0), 0xffff);
  }
}

TEST(TransportChecksum, IsFoundOnlyWhereItCanBeComputed) {
  std::mt19937 random{4};
  const auto is_found = [](const std::vector<std::byte>& packet) {
    return find_transport(packet, ip_of(packet)).has_value();
  };
  EXPECT_TRUE(is_found(packet_of(random, 4, ip_protocol::kUdp, 8)));
  EXPECT_FALSE(is_found(packet_of(random, 4, ip_protocol::kUdp, 7)));
  EXPECT_TRUE(is_found(packet_of(random, 6, ip_protocol::kTcp, 20)));
  EXPECT_FALSE(is_found(packet_of(random, 6, ip_protocol::kTcp, 19)));
  EXPECT_FALSE(is_found(packet_of(random, 4, 1, 40)));

  auto packet = packet_of(random, 4, ip_protocol::kUdp, 20);
  store_be<2>(packet.data() + 6, 0x2000);
  EXPECT_FALSE(is_found(packet)) << "a first fragment does not hold all that is covered";
  store_be<2>(packet.data() + 6, 0);
  store_be<2>(packet.data() + 2, 41);
  EXPECT_FALSE(is_found(packet)) << "the IP packet goes on behind the frame";
  store_be<2>(packet.data() + 2, 19);
  EXPECT_FALSE(is_found(packet)) << "shorter than its own header";
  store_be<2>(packet.data() + 2, 40);
  store_be<2>(packet.data() + 24, 21);
  EXPECT_FALSE(is_found(packet)) << "UDP claims more than IP holds";
  store_be<2>(packet.data() + 24, 0);
  EXPECT_FALSE(is_found(packet)) << "UDP claims less than its header";
  store_be<2>(packet.data() + 24, 12);
  ASSERT_TRUE(is_found(packet));
  EXPECT_EQ(find_transport(packet, ip_of(packet))->bytes, 12u);
}

}  // namespace
}  // namespace valinor::wire
