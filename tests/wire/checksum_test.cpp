#include "wire/checksum.hpp"

#include <gtest/gtest.h>

#include <random>
#include <vector>

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

TEST(Checksum, ExampleOfRfc1071) {
  const std::vector<std::byte> bytes{std::byte{0x00}, std::byte{0x01}, std::byte{0xf2},
                                     std::byte{0x03}, std::byte{0xf4}, std::byte{0xf5},
                                     std::byte{0xf6}, std::byte{0xf7}};
  EXPECT_EQ(ones_complement_sum(bytes), 0xddf2);
}

TEST(Checksum, AgreesWithThePlainSumOnRandomBytes) {
  std::mt19937 random{1};
  for (std::size_t length = 0; length < 300; ++length) {
    std::vector<std::byte> bytes(length);
    for (auto& byte : bytes) byte = static_cast<std::byte>(random());
    const auto start = static_cast<std::uint32_t>(random());
    EXPECT_EQ(ones_complement_sum(bytes, start), plain_sum(bytes, start)) << length;
  }
}

}  // namespace
}  // namespace valinor::wire
