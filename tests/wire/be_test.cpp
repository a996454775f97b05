#include "wire/be.hpp"

#include <gtest/gtest.h>

namespace valinor::wire {
namespace {

template <std::size_t N>
std::array<std::byte, N> ascending() {
  std::array<std::byte, N> bytes;
  for (std::size_t i = 0; i < N; ++i) bytes[i] = static_cast<std::byte>(0xa1 + i);
  return bytes;
}

template <std::size_t N>
void expect_round_trip(std::uint64_t expected) {
  const auto bytes = ascending<N>();
  EXPECT_EQ(load_be<N>(bytes.data()), expected);
  std::array<std::byte, N> stored{};
  store_be<N>(stored.data(), static_cast<UintOf<N>>(expected));
  EXPECT_EQ(stored, bytes);
}

TEST(Be, MostSignificantByteComesFirst) {
  expect_round_trip<1>(0xa1);
  expect_round_trip<2>(0xa1a2);
  expect_round_trip<3>(0xa1a2a3);
  expect_round_trip<4>(0xa1a2a3a4);
  expect_round_trip<6>(0xa1a2a3a4a5a6);
  expect_round_trip<8>(0xa1a2a3a4a5a6a7a8);
}

TEST(Be, HasNoAlignment) {
  static_assert(alignof(Be<8>) == 1 && sizeof(Be<6>) == 6);
  Be<6> field{};
  field = 0x010203040506;
  EXPECT_EQ(field.value(), 0x010203040506u);
}

}  // namespace
}  // namespace valinor::wire
