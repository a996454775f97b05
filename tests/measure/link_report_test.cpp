#include "measure/link_report.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <stdexcept>

namespace valinor::measure {
namespace {

LinkReport example(double throughput = 1'000'000, std::uint64_t delay_ns = 10'000) {
  LinkReport report;
  report.mode = "reflect";
  report.environment = {{"kernel", "6.18"}, {"sends", "<veth> & co"}};
  report.frame_bytes = 76;
  report.throughput = Spread{.median = throughput, .least = throughput - 1, .most = throughput + 1};
  report.burst = 512;
  DelayPoint point{.load = 0.5, .result = {}};
  point.result.sent = 1000;
  point.result.received = 999;
  point.result.seconds = 0.002;
  for (int n = 0; n < 999; ++n) point.result.delay.add(delay_ns);
  report.delays.push_back(std::move(point));
  return report;
}

TEST(SpreadOf, MedianOfOddAndEvenNumbers) {
  EXPECT_EQ(spread_of({3, 1, 2}).median, 2);
  EXPECT_EQ(spread_of({4, 1, 2, 3}).median, 2.5);
  EXPECT_EQ(spread_of({3, 1, 2}).least, 1);
  EXPECT_EQ(spread_of({3, 1, 2}).most, 3);
}

TEST(LinkReport, TextSaysRatesLossesAndDelays) {
  const std::string text = to_text(example());
  EXPECT_NE(text.find("throughput 1,000,000 pps (999,999 .. 1,000,001) of 76 bytes without a loss "
                      "= 0.80 Gb/s on the wire"),
            std::string::npos)
      << text;
  EXPECT_NE(text.find("burst      512 packets"), std::string::npos) << text;
  EXPECT_NE(text.find("50 % = 500,000 pps"), std::string::npos) << text;
  EXPECT_NE(text.find(" 10.0 "), std::string::npos) << text;
}

TEST(LinkReport, JsonHoldsTheSame) {
  const auto json = nlohmann::json::parse(to_json(example()));
  EXPECT_EQ(json["environment"]["sends"], "<veth> & co");
  EXPECT_EQ(json["throughput_pps"]["median"], 1'000'000);
  EXPECT_EQ(json["burst_packets"], 512);
  EXPECT_EQ(json["delays"][0]["lost"], 1);
  EXPECT_EQ(json["delays"][0]["p99_ns"], 10'000);
  EXPECT_EQ(json["delays"][0]["pps"], 500'000);
}

TEST(LinkReport, HtmlIsAPageOfItsOwn) {
  const std::string page = to_html(example());
  EXPECT_NE(page.find("<svg"), std::string::npos);
  EXPECT_NE(page.find("polyline"), std::string::npos);
  EXPECT_NE(page.find("&lt;veth&gt; &amp; co"), std::string::npos);
  EXPECT_EQ(page.find("<veth>"), std::string::npos);
  EXPECT_EQ(page.find("http"), std::string::npos);
  LinkReport nothing;
  EXPECT_NE(to_html(nothing).find("</svg>"), std::string::npos);
}

TEST(Compare, SaysWhatIsWorseByMoreThanTheThreshold) {
  const std::string before = to_json(example());
  EXPECT_FALSE(compare(example(), before, 0.1).worse);
  EXPECT_FALSE(compare(example(950'000, 10'500), before, 0.1).worse);
  EXPECT_FALSE(compare(example(2'000'000, 5'000), before, 0.1).worse);
  const Comparison slower = compare(example(850'000), before, 0.1);
  EXPECT_TRUE(slower.worse);
  EXPECT_NE(slower.text.find("0.850   worse"), std::string::npos) << slower.text;
  EXPECT_TRUE(compare(example(1'000'000, 12'000), before, 0.1).worse);
}

TEST(Compare, DelaysAtARateAreHeldAgainstThoseAtTheSame) {
  LinkReport report = example();
  report.throughput.reset();
  report.burst.reset();
  report.delays[0].load = 0;
  const std::string before = to_json(report);
  EXPECT_NE(compare(report, before, 0.1).text.find("p99 at 500000 pps"), std::string::npos);
  report.delays[0].result.seconds = 0.1;  // 10,000 pps
  EXPECT_THROW((void)compare(report, before, 0.1), std::invalid_argument);
  EXPECT_THROW((void)compare(report, to_json(example()), 0.1), std::invalid_argument);
}

TEST(Compare, OtherFilesAreRefused) {
  for (const char* text : {"", "{}", "[1]", "{\"format\": 2, \"delays\": []}", "nonsense"}) {
    EXPECT_THROW((void)compare(example(), text, 0.1), std::invalid_argument) << text;
  }
}

}  // namespace
}  // namespace valinor::measure
