#include "exporter/resp.hpp"

#include <gtest/gtest.h>

#include <limits>
#include <utility>

#include "exporter/valinor_entry.hpp"
#include "record_samples.hpp"

namespace valinor::exporter {
namespace {

TEST(Resp, ACommandIsAnArrayOfStrings) {
  std::string out;
  resp::append_command(out, {"SELECT", "3"});
  EXPECT_EQ(out, "*2\r\n$6\r\nSELECT\r\n$1\r\n3\r\n");
}

TEST(Resp, ZaddOfTheDocumentedExample) {
  const ValinorRow row = to_row(to_entry(test::valinor_record(), {}));
  std::string out = "before";
  resp::append_zadd(out, "0", row);
  EXPECT_EQ(out,
            "before*4\r\n$4\r\nZADD\r\n$1\r\n0\r\n$10\r\n1000000123\r\n$68\r\n"
            "000000003b9aca7b000012340000162e009aa09119860a0000010a00000213890050\r\n");
}

TEST(Resp, ScoresOfEveryLength) {
  std::uint64_t score = 0;
  for (int digits = 1; digits <= 20; ++digits) {
    score = digits == 20 ? std::numeric_limits<std::uint64_t>::max()
                         : score * 10 + static_cast<std::uint64_t>(digits % 10);
    ValinorEntry entry;
    entry.timestamp_ns = score;
    std::string out;
    resp::append_zadd(out, "17", to_row(entry));
    const std::string text = std::to_string(score);
    EXPECT_TRUE(out.starts_with("*4\r\n$4\r\nZADD\r\n$2\r\n17\r\n$" + std::to_string(text.size()) +
                                "\r\n" + text + "\r\n$68\r\n"))
        << out;
  }
}

TEST(Resp, ScoresCountFromZero) {
  const std::pair<std::uint64_t, const char*> cases[]{
      {1'000'000'123, "$1\r\n0\r\n"},
      {1'000'000'000, "$3\r\n123\r\n"},
      {1'000'000'124, "$2\r\n-1\r\n"},
      {std::uint64_t{1} << 63, "$20\r\n-9223372035854775685\r\n"}};
  for (const auto& [zero, score] : cases) {
    std::string out;
    resp::append_zadd(out, "0", to_row(to_entry(test::valinor_record(), {})), zero);
    EXPECT_EQ(out, std::string{"*4\r\n$4\r\nZADD\r\n$1\r\n0\r\n"} + score +
                       "$68\r\n"
                       "000000003b9aca7b000012340000162e009aa09119860a0000010a00000213890050\r\n");
  }
}

TEST(Resp, TwoRowsAreTwoPairs) {
  std::vector<std::byte> rows(2 * kValinorRowBytes);
  std::string out;
  resp::append_zadd(out, "0", rows);
  const std::string pair = "$1\r\n0\r\n$68\r\n" + std::string(68, '0') + "\r\n";
  EXPECT_EQ(out, "*6\r\n$4\r\nZADD\r\n$1\r\n0\r\n" + pair + pair);
}

}  // namespace
}  // namespace valinor::exporter
