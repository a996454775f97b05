#include "measure/figures.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <stdexcept>

namespace valinor::measure {
namespace {

Figure figure(double median, std::optional<Better> better = Better::less) {
  return {.name = "ns_per_packet",
          .label = "ns/packet",
          .value = {.median = median, .least = median - 1, .most = median + 1},
          .better = better,
          .decimals = 1};
}

FigureReport figures_of(double one, double other) {
  return {.mode = "decode",
          .environment = {{"kernel", "6.18"}},
          .cases = {{.name = "short", .figures = {figure(one)}, .counts = {}},
                    {.name = "much longer", .figures = {figure(other)}, .counts = {}}}};
}

TEST(FigureReport, CasesAreATableWhereTheirFiguresAreTheSame) {
  EXPECT_EQ(to_text(figures_of(10, 20)),
            "kernel     6.18\n"
            "             ns/packet\n"
            "short        10.0 (9.0 .. 11.0)\n"
            "much longer  20.0 (19.0 .. 21.0)\n");
}

TEST(FigureReport, ElseEachHasItsLinesAndCounts) {
  FigureReport report = figures_of(10, 20);
  report.cases.pop_back();
  report.cases.front().counts = {{"received", 1'234'567}};
  report.cases.front().figures.front().decimals = 0;
  EXPECT_EQ(to_text(report),
            "kernel     6.18\n"
            "short\n"
            "  ns/packet              10 (9 .. 11)\n"
            "  received               1,234,567\n");
}

TEST(FigureReport, JsonHoldsTheSame) {
  FigureReport report = figures_of(10, 20);
  report.cases.front().counts = {{"received", 7}};
  const auto json = nlohmann::json::parse(to_json(report));
  EXPECT_EQ(json["format"], kReportFormat);
  EXPECT_EQ(json["mode"], "decode");
  EXPECT_EQ(json["environment"]["kernel"], "6.18");
  EXPECT_EQ(json["cases"][0]["name"], "short");
  EXPECT_EQ(json["cases"][0]["received"], 7);
  EXPECT_EQ(json["cases"][1]["ns_per_packet"]["median"], 20);
  EXPECT_EQ(json["cases"][1]["ns_per_packet"]["min"], 19);
  EXPECT_EQ(json["cases"][1]["ns_per_packet"]["max"], 21);
}

TEST(FigureReport, IsComparedCaseByCase) {
  const std::string before = to_json(figures_of(10, 20));
  EXPECT_FALSE(compare(figures_of(10.5, 15), before, 0.1).worse);
  const Comparison slower = compare(figures_of(10, 25), before, 0.1);
  EXPECT_TRUE(slower.worse);
  EXPECT_NE(slower.text.find("much longer, ns/packet"), std::string::npos) << slower.text;
  EXPECT_NE(slower.text.find("1.250   worse"), std::string::npos) << slower.text;
  FigureReport more = figures_of(10, 5);
  for (Case& one : more.cases) one.figures.front().better = Better::more;
  EXPECT_TRUE(compare(more, before, 0.1).worse);
}

TEST(FigureReport, WhatIsInOneReportOnlyIsNotCompared) {
  FigureReport report = figures_of(10, 20);
  const std::string before = to_json(report);
  report.cases.back().name = "new";
  report.cases.back().figures.front().value.median = 1e9;
  EXPECT_FALSE(compare(report, before, 0.1).worse);
  report.cases.front().figures.push_back(figure(1e9, std::nullopt));
  EXPECT_FALSE(compare(report, before, 0.1).worse);
  report.cases.front().name = "new too";
  EXPECT_THROW((void)compare(report, before, 0.1), std::invalid_argument);
}

TEST(FigureReport, OtherReportsAreRefused) {
  FigureReport other = figures_of(10, 20);
  other.mode = "rx";
  const std::string other_mode = to_json(other);
  for (const std::string& text :
       {std::string{}, std::string{"{}"}, std::string{R"({"format": 1, "cases": []})"}, other_mode,
        std::string{R"({"format": 2, "mode": "decode"})"},
        std::string{R"({"format": 2, "mode": "decode", "cases": [{"name": "short",
                        "ns_per_packet": {}}]})"}}) {
    EXPECT_THROW((void)compare(figures_of(10, 20), text, 0.1), std::invalid_argument) << text;
  }
}

}  // namespace
}  // namespace valinor::measure
