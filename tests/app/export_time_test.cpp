#include "app/export_time.hpp"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

namespace valinor::app {
namespace {

constexpr std::int64_t kOpenFrom = TimeWindow{}.from;
constexpr std::int64_t kOpenTo = TimeWindow{}.to;

TEST(ExportTime, DatesSecondsAndNanoseconds) {
  const std::vector<std::pair<std::string, std::int64_t>> times{
      {"1970-01-01T00:00:00Z", 0},
      {"2024-01-31T23:59:59Z", 1'706'745'599'000'000'000},
      {"2024-02-29T12:00:00.5", 1'709'208'000'500'000'000},
      {"2024-01-31T23:59:59.123456789Z", 1'706'745'599'123'456'789},
      {"1706745599s", 1'706'745'599'000'000'000},
      {"1706745599.5s", 1'706'745'599'500'000'000},
      {"1706745599", 1'706'745'599'000'000'000},
      {"1706745599.000000001", 1'706'745'599'000'000'001},
      {"1706745599500000000", 1'706'745'599'500'000'000},
      {"1706745599500000000ns", 1'706'745'599'500'000'000},
      {"999999999999ns", 999'999'999'999},
      {"1000000000000", 1'000'000'000'000},
      {"7ns", 7},
      {"7", 7'000'000'000},
      {"0", 0},
  };
  for (const auto& [text, ns] : times) {
    const auto from = parse_time_window(text + "..");
    ASSERT_TRUE(from) << text;
    EXPECT_EQ(*from, (TimeWindow{.from = ns, .to = kOpenTo})) << text;
    const auto to = parse_time_window(".." + text);
    ASSERT_TRUE(to) << text;
    EXPECT_EQ(*to, (TimeWindow{.from = kOpenFrom, .to = ns})) << text;
  }
  EXPECT_EQ(*parse_time_window("1.5..2.5"),
            (TimeWindow{.from = 1'500'000'000, .to = 2'500'000'000}));
}

TEST(ExportTime, WhatIsNoWindow) {
  for (const char* text : {"",
                           "..",
                           "1",
                           "1...2",
                           "1..1",
                           "2..1",
                           "a..b",
                           "1..-2",
                           "+1..2",
                           "1..2..3",
                           "1.s..",
                           "1.0000000001s..",
                           "1.5ns..",
                           "9999999999s..",
                           "99999999999999999999ns..",
                           "2024-01-31..",
                           "2024-01-31T23:59..",
                           "2023-02-29T00:00:00Z..",
                           "2024-13-01T00:00:00Z..",
                           "2024-01-31T24:00:00Z..",
                           "2024-01-31T23:59:60Z..",
                           "2024-01-31T23:59:59+01:00..",
                           "2024-01-31T23:59:59.Z..",
                           "9999-01-01T00:00:00Z..",
                           "2024-01-31t23:59:59Z.."}) {
    EXPECT_FALSE(parse_time_window(text)) << text;
  }
  EXPECT_NE(parse_time_window("soon..").error().doing.find("'soon'"), std::string::npos);
}

TEST(ExportTime, TheBeginningIsWithinAndTheEndIsNot) {
  const TimeWindow window{.from = 10, .to = 20};
  EXPECT_FALSE(window.has(9));
  EXPECT_TRUE(window.has(10));
  EXPECT_TRUE(window.has(19));
  EXPECT_FALSE(window.has(20));
}

TEST(ExportTime, OfAnEntryItIsTheEntrysOwn) {
  telemetry::PacketRecord record;
  record.received.since_epoch = Nanos{5};
  record.switch_time.since_epoch = Nanos{7};
  record.format = telemetry::Format::valinor_n;
  EXPECT_EQ(time_of(record), 5);
  record.format = telemetry::Format::valinor_entry;
  EXPECT_EQ(time_of(record), 7);
}

}  // namespace
}  // namespace valinor::app
