#include "exporter/connection_key.hpp"

#include <gtest/gtest.h>

#include <random>

#include "exporter/crc32c.hpp"
#include "record_samples.hpp"

namespace valinor::exporter {
namespace {

/// Computed by valinor-c's own expression and by an independent CRC.
TEST(ConnectionKey, EqualsValinorC) {
  const std::pair<FiveTuple, std::uint32_t> vectors[]{
      {{0x0a000001, 0x0a000002, 5001, 80, 6}, 0xa0911986},
      {{0x0a000002, 0x0a000001, 80, 5001, 6}, 0x23ff0503},
      {{0x0a000101, 0x0a000303, 8080, 8080, 17}, 0x0569c1ee},
      {{0xc0a8010a, 0xc0a80114, 1234, 4321, 17}, 0x68635c39},
      {{0xffffffff, 0xffffffff, 65535, 65535, 6}, 0x1c81bee7},
      {{}, 0xa8a94c83},
  };
  for (const auto& [flow, key] : vectors) EXPECT_EQ(connection_key(flow), key);
}

TEST(Crc32c, TableAndInstructionAgree) {
  std::mt19937_64 random{1};
  for (int i = 0; i < 10'000; ++i) {
    const auto crc = static_cast<std::uint32_t>(random());
    const std::uint64_t word = random();
    EXPECT_EQ(crc32c::add(crc, word), crc32c::add_by_table(crc, word));
  }
}

TEST(ConnectionKey, MappedAddressesAreIpv4) {
  EXPECT_EQ(to_address32(test::ipv4(0x0a000001)), 0x0a000001u);
  EXPECT_EQ(connection_key(to_five_tuple(test::valinor_record().flow)), 0xa0911986u);
}

TEST(ConnectionKey, OtherAddressesAreHashed) {
  std::array<std::byte, 16> one{};
  one[15] = std::byte{1};
  std::array<std::byte, 16> two = one;
  two[0] = std::byte{0x20};
  EXPECT_NE(to_address32(one), to_address32(two));
  EXPECT_NE(to_address32(one), 1u);
  // The bytes in the order of the address, least significant of each word first.
  const std::uint32_t expected =
      crc32c::add_by_table(crc32c::add_by_table(0x252345, 0x20), std::uint64_t{1} << 56);
  EXPECT_EQ(to_address32(two), expected);
}

}  // namespace
}  // namespace valinor::exporter
