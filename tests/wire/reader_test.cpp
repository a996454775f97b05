#include "wire/reader.hpp"

#include <gtest/gtest.h>

#include <array>

#include "wire/headers.hpp"

namespace valinor::wire {
namespace {

TEST(Reader, CopiesOutAHeaderAndStepsOver) {
  const std::array<std::byte, 6> bytes{std::byte{1}, std::byte{2}, std::byte{3},
                                       std::byte{4}, std::byte{5}, std::byte{6}};
  Reader reader{bytes};
  const auto tag = reader.read<VlanTag>();
  ASSERT_TRUE(tag);
  EXPECT_EQ(tag->control.value(), 0x0102);
  EXPECT_EQ(tag->ethertype.value(), 0x0304);
  EXPECT_EQ(reader.left(), 2u);
}

TEST(Reader, ShortReadLeavesTheCursorWhereItWas) {
  const std::array<std::byte, 3> bytes{};
  Reader reader{bytes};
  EXPECT_FALSE(reader.read<VlanTag>());
  EXPECT_EQ(reader.left(), 3u);
  EXPECT_FALSE(reader.take(4));
  EXPECT_EQ(reader.left(), 3u);
  EXPECT_TRUE(reader.take(3));
  EXPECT_EQ(reader.left(), 0u);
}

}  // namespace
}  // namespace valinor::wire
