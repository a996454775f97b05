#include "app/bench_options.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <initializer_list>
#include <string>
#include <string_view>

#include "app/command_line.hpp"

namespace valinor::app {
namespace {

using namespace std::chrono_literals;
using BenchWords = std::initializer_list<std::string_view>;

tl::expected<CommandLine, CommandLineAnswer> parse_bench(BenchWords words) {
  return parse_command_line(std::span{words.begin(), words.size()});
}

BenchCommand bench_of(BenchWords words) {
  const auto line = parse_bench(words);
  if (line) return std::get<BenchCommand>(line->command);
  ADD_FAILURE() << line.error().text;
  return {};
}

std::string answer_to(BenchWords words) {
  const auto line = parse_bench(words);
  return line ? "accepted" : line.error().text;
}

void expect_answer(BenchWords words, std::string_view part) {
  const std::string text = answer_to(words);
  EXPECT_NE(text.find(part), std::string::npos) << text;
}

TEST(BenchOptions, ALinkHasDefaults) {
  const BenchCommand bench = bench_of({"bench", "reflect", "veth0"});
  EXPECT_EQ(bench.mode, BenchMode::reflect);
  EXPECT_EQ(bench.interface, "veth0");
  EXPECT_EQ(bench.receive, "veth0");
  EXPECT_TRUE(bench.frames.stamped);
  EXPECT_FALSE(bench.rate);
  EXPECT_EQ(bench.trial, 2s);
  EXPECT_EQ(bench.repeat, 3U);
  EXPECT_EQ(bench.threshold, 0.1);
}

TEST(BenchOptions, OfAForwarder) {
  const BenchCommand bench = bench_of({"bench", "forward", "a", "--receive", "b", "--pps", "5",
                                       "--trial", "1", "--threshold", "2.5", "--repeat", "7"});
  EXPECT_EQ(bench.mode, BenchMode::forward);
  EXPECT_EQ(bench.interface, "a");
  EXPECT_EQ(bench.receive, "b");
  EXPECT_EQ(bench.rate, 5U);
  EXPECT_EQ(bench.trial, 1s);
  EXPECT_EQ(bench.repeat, 7U);
  EXPECT_EQ(bench.threshold, 0.025);
}

TEST(BenchOptions, EachModeHasItsOwnTrialsAndRepeats) {
  EXPECT_EQ(bench_of({"bench", "rx", "a"}).trial, 2s);
  EXPECT_EQ(bench_of({"bench", "rx", "a"}).repeat, 5U);
  EXPECT_EQ(bench_of({"bench", "rx", "a"}).wait, 30s);
  EXPECT_EQ(bench_of({"bench", "rx", "a", "--wait", "90s"}).wait, 90s);
  EXPECT_EQ(bench_of({"bench", "decode"}).trial, 100ms);
  EXPECT_EQ(bench_of({"bench", "stamp"}).trial, 1s);
  EXPECT_EQ(bench_of({"bench", "stamp"}).interface, "");
  EXPECT_EQ(bench_of({"bench", "stamp", "eth0"}).interface, "eth0");
  EXPECT_EQ(bench_of({"bench", "export"}).records, 1'000'000U);
  EXPECT_FALSE(bench_of({"bench", "export"}).key);
  EXPECT_EQ(bench_of({"bench", "export", "--key", "7"}).key, 7U);
  EXPECT_EQ(bench_of({"bench", "export", "--hops", "2"}).frames.hops, 2);
}

TEST(BenchOptions, DecodeTriesWhatIsLeftOpen) {
  using telemetry::Format;
  using telemetry::p4netintel::Layout;
  EXPECT_EQ(bench_of({"bench", "decode"}).decoded.size(), 4U * 5 + 1);
  EXPECT_EQ(bench_of({"bench", "decode", "--hops", "3"}).decoded.size(), 4U);
  EXPECT_EQ(bench_of({"bench", "decode", "--collect-size", "3"}).decoded.size(), 5U);
  EXPECT_EQ(bench_of({"bench", "decode", "--format", "p4netintel"}).decoded.size(), 20U);
  const auto valinor = bench_of({"bench", "decode", "--format", "valinor-n"}).decoded;
  ASSERT_EQ(valinor.size(), 1U);
  EXPECT_EQ(valinor.front().format, Format::valinor_n);
  const auto one = bench_of({"bench", "decode", "--hops", "9", "--collect-size", "0", "--flows",
                             "5", "--payload", "8", "--int-host"})
                       .decoded;
  ASSERT_EQ(one.size(), 1U);
  EXPECT_EQ(one.front().layout, Layout::discrete);
  EXPECT_EQ(one.front().hops, 9);
  EXPECT_EQ(one.front().flows, 5U);
  EXPECT_EQ(one.front().payload_bytes, 8);
  EXPECT_TRUE(one.front().int_host);
  EXPECT_FALSE(one.front().stamped);
}

TEST(BenchOptions, AMissingModeIsTold) {
  expect_answer({"bench"}, "bench needs a mode: reflect, forward, rx, decode, stamp or export");
  expect_answer({"bench", "eth0"}, "valinor-afxdp bench reflect eth0");
  expect_answer({"bench", "eth0", "--pps", "5"}, "valinor-afxdp bench reflect eth0");
  expect_answer({"bench", "decod"}, "did you mean 'decode'?");
}

TEST(BenchOptions, WhatIsWrongIsNamed) {
  expect_answer({"bench", "reflect"}, "IFACE");
  expect_answer({"bench", "forward", "a"}, "--receive");
  expect_answer({"bench", "forward", "a", "--receive", "a"}, "bench reflect");
  expect_answer({"bench", "reflect", "a", "--trial", "1ms"}, "--trial");
  expect_answer({"bench", "rx", "a", "--repeat", "0"}, "--repeat");
  expect_answer({"bench", "decode", "--threshold", "101"}, "--threshold");
  expect_answer({"bench", "reflect", "a", "--pattern", "poisson"}, "--pattern");
  expect_answer({"bench", "rx", "a", "b"}, "bench rx takes no further argument 'b'");
  expect_answer({"bench", "export", "--key", "4294967296"}, "--key");
  expect_answer({"bench", "--json", "rx", "a"}, "valinor-afxdp bench rx --json");
}

TEST(BenchOptions, OnlySomeModesReadAConfiguration) {
  for (const std::string_view mode : {"rx", "stamp", "export"}) {
    const auto line = mode == "rx" ? parse_bench({"-c", "a.yaml", "bench", mode, "eth0"})
                                   : parse_bench({"-c", "a.yaml", "bench", mode});
    ASSERT_TRUE(line) << line.error().text;
    EXPECT_EQ(line->config.files, std::vector<std::string>{"a.yaml"});
    EXPECT_FALSE(line->config.interfaces_required);
  }
  expect_answer({"-c", "a.yaml", "bench", "decode"}, "bench decode reads no configuration");
  expect_answer({"--set", "role=sink", "bench", "reflect", "a"},
                "bench reflect reads no configuration");
}

TEST(BenchOptions, EachModeHasItsHelp) {
  for (const std::string_view mode : {"reflect", "forward", "rx", "decode", "stamp", "export"}) {
    const std::string text = answer_to({"bench", mode, "--help"});
    EXPECT_NE(text.find("Usage: valinor-afxdp bench " + std::string{mode}), std::string::npos)
        << text;
    EXPECT_NE(text.find("Examples:"), std::string::npos) << text;
    EXPECT_NE(answer_to({"bench", "--help"}).find(mode), std::string::npos);
  }
}

}  // namespace
}  // namespace valinor::app
