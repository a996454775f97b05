#include "app/command_line.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <initializer_list>
#include <string>
#include <vector>

namespace valinor::app {
namespace {

using namespace std::chrono_literals;
using Words = std::initializer_list<std::string_view>;

tl::expected<CommandLine, CommandLineAnswer> parse(Words words) {
  return parse_command_line(std::span{words.begin(), words.size()});
}

CommandLine good(Words words) {
  auto line = parse(words);
  if (line) return *line;
  ADD_FAILURE() << line.error().text;
  return {};
}

std::string usage(Words words) {
  const auto line = parse(words);
  if (line) return "accepted";
  EXPECT_EQ(line.error().exit_status, ExitStatus::usage);
  return line.error().text;
}

std::string help(Words words) {
  const auto line = parse(words);
  if (line) return "accepted";
  EXPECT_EQ(line.error().exit_status, ExitStatus::done);
  return line.error().text;
}

TEST(CommandLine, RunIsTheDefault) {
  const CommandLine line = good({"-c", "a.yaml"});
  EXPECT_TRUE(std::holds_alternative<RunCommand>(line.command));
  EXPECT_EQ(line.config.files, std::vector<std::string>{"a.yaml"});
  EXPECT_TRUE(line.config.interfaces_required);
  EXPECT_TRUE(std::get<RunCommand>(good({"-T", "-c", "a.yaml"}).command).check_only);
  EXPECT_TRUE(std::get<RunCommand>(good({"-c", "a.yaml", "run", "-T"}).command).check_only);
}

TEST(CommandLine, RunTellsProgramsAndTakesOver) {
  const CommandLine line = good({"-c", "a.yaml", "run", "--takeover", "--json"});
  EXPECT_TRUE(std::get<RunCommand>(line.command).takeover);
  ASSERT_EQ(line.config.overrides.size(), 1U);
  EXPECT_EQ(line.config.overrides[0].path, "observe.output");
  EXPECT_EQ(line.config.overrides[0].value, "json");
  EXPECT_FALSE(std::get<RunCommand>(good({"-c", "a.yaml"}).command).takeover);
}

TEST(CommandLine, GlobalOptionsStandBeforeAndBehindTheCommand) {
  const CommandLine line = good({"-c", "run", "--set", "run.key=1", "-v", "run", "--config=b.yaml",
                                 "--set=run.name=a=b", "-v"});
  EXPECT_EQ(line.config.files, (std::vector<std::string>{"run", "b.yaml"}));
  ASSERT_EQ(line.config.overrides.size(), 2U);
  EXPECT_EQ(line.config.overrides[0].path, "run.key");
  EXPECT_EQ(line.config.overrides[1].path, "run.name");
  EXPECT_EQ(line.config.overrides[1].value, "a=b");
  EXPECT_EQ(line.verbosity, 2);
  EXPECT_EQ(good({"-q", "-c", "a"}).verbosity, -1);
}

TEST(CommandLine, ValuesOfSetMayLookLikeListsOrBeEmpty) {
  const CommandLine line = good({"-c", "a", "--set", "interfaces=[{name: a}, {name: b}]", "--set",
                                 "run.name=", "--set", "telemetry.match.udp_dst_ports=[1,2]"});
  ASSERT_EQ(line.config.overrides.size(), 3U);
  EXPECT_EQ(line.config.overrides[0].value, "[{name: a}, {name: b}]");
  EXPECT_EQ(line.config.overrides[1].value, "");
  EXPECT_EQ(line.config.overrides[2].value, "[1,2]");
}

TEST(CommandLine, WhatBecomesOfARunThatIsThere) {
  for (const std::string_view command : {"run", "tap", "replay"}) {
    for (const std::string_view what : {"append", "overwrite"}) {
      std::vector<std::string_view> words{"-c", "a", command};
      if (command == "tap") words.insert(words.end(), {"-i", "eth0"});
      if (command == "replay") words.emplace_back("a.pcap");
      const std::string option = "--" + std::string{what};
      words.emplace_back(option);
      const auto line = parse_command_line(words);
      ASSERT_TRUE(line) << line.error().text;
      const auto& set = line->config.overrides.front();
      EXPECT_EQ(set.option, option);
      EXPECT_EQ(set.path, "run.on_existing");
      EXPECT_EQ(set.value, what);
    }
  }
  EXPECT_NE(usage({"-c", "a", "run", "--append", "--overwrite"}).find("exclude each other"),
            std::string::npos);
}

TEST(CommandLine, RunsOptionsOverrideTheConfiguration) {
  const CommandLine line =
      good({"-c", "a", "--set", "run.key=1", "run", "--duration", "60s", "--key", "7"});
  ASSERT_EQ(line.config.overrides.size(), 3U);
  EXPECT_EQ(line.config.overrides[1].option, "--duration");
  EXPECT_EQ(line.config.overrides[1].path, "run.duration");
  EXPECT_EQ(line.config.overrides[2].path, "run.key");
  EXPECT_EQ(line.config.overrides[2].value, "7");
}

TEST(CommandLine, Check) {
  const CommandLine line = good({"check", "a.yaml", "b.yaml", "--print-effective", "-c", "z.yaml"});
  EXPECT_TRUE(std::get<CheckCommand>(line.command).print_effective);
  EXPECT_EQ(line.config.files, (std::vector<std::string>{"z.yaml", "a.yaml", "b.yaml"}));
}

TEST(CommandLine, Replay) {
  const CommandLine line = good({"replay", "in.pcap", "--out", "out.pcap"});
  EXPECT_EQ(std::get<ReplayCommand>(line.command).input, "in.pcap");
  EXPECT_EQ(std::get<ReplayCommand>(line.command).output, "out.pcap");
  EXPECT_FALSE(line.config.interfaces_required);
  EXPECT_FALSE(std::get<ReplayCommand>(good({"replay", "in.pcap"}).command).output);
}

TEST(CommandLine, GenDefaults) {
  const GenCommand gen = std::get<GenCommand>(good({"gen", "veth0"}).command);
  EXPECT_EQ(gen.target, "veth0");
  EXPECT_EQ(gen.frames.format, telemetry::Format::p4netintel);
  EXPECT_EQ(gen.frames.layout, telemetry::p4netintel::Layout::full);
  EXPECT_EQ(gen.frames.hops, 3);
  EXPECT_EQ(gen.frames.destination, kGenDestination);
  EXPECT_FALSE(gen.pattern);
  EXPECT_EQ(gen.duration, 0s);
  EXPECT_TRUE(gen.queues.empty());
}

TEST(CommandLine, GenWithAll) {
  const GenCommand gen = std::get<GenCommand>(good({"gen",
                                                    "t.pcap",
                                                    "--format",
                                                    "valinor-n",
                                                    "--collect-size",
                                                    "1",
                                                    "--hops",
                                                    "64",
                                                    "--flows",
                                                    "9",
                                                    "--pps",
                                                    "100000",
                                                    "--count",
                                                    "5",
                                                    "--seconds",
                                                    "2",
                                                    "--queues",
                                                    "0-1,3",
                                                    "--payload",
                                                    "100",
                                                    "--dst-mac",
                                                    "02:ab:00:00:00:FF",
                                                    "--seed",
                                                    "4",
                                                    "--int-host"})
                                                  .command);
  EXPECT_EQ(gen.frames.format, telemetry::Format::valinor_n);
  EXPECT_EQ(gen.frames.layout, telemetry::p4netintel::Layout::depth_only);
  EXPECT_EQ(gen.frames.hops, 64);
  EXPECT_EQ(gen.frames.flows, 9U);
  ASSERT_TRUE(gen.pattern);
  EXPECT_EQ(gen.pattern->pattern, traffic::Pattern::constant);
  EXPECT_EQ(gen.pattern->packets_per_second, 100'000U);
  EXPECT_EQ(gen.count, 5U);
  EXPECT_EQ(gen.duration, 2s);
  EXPECT_EQ(gen.queues, (std::vector{QueueId{0}, QueueId{1}, QueueId{3}}));
  EXPECT_EQ(gen.frames.payload_bytes, 100);
  EXPECT_EQ(gen.frames.destination[1], std::byte{0xab});
  EXPECT_EQ(gen.frames.destination[5], std::byte{0xff});
  EXPECT_EQ(gen.frames.seed, 4U);
  EXPECT_TRUE(gen.frames.int_host);
  EXPECT_EQ(std::get<GenCommand>(good({"gen", "a", "--seconds", "250ms"}).command).duration, 250ms);
}

TEST(CommandLine, GenPatterns) {
  const auto pattern = [](Words words) {
    return std::get<GenCommand>(good(words).command).pattern.value();
  };
  const auto poisson = pattern({"gen", "a", "--pps", "9", "--pattern", "poisson", "--seed", "7"});
  EXPECT_EQ(poisson.pattern, traffic::Pattern::poisson);
  EXPECT_EQ(poisson.packets_per_second, 9U);
  EXPECT_EQ(poisson.seed, 7U);
  EXPECT_EQ(pattern({"gen", "a", "--pps", "1", "--pattern", "incast", "--burst", "9"}).burst, 9U);
  const auto on_off =
      pattern({"gen", "a", "--pps", "1", "--pattern", "on-off", "--peak", "2.5", "--hurst", "0.9"});
  EXPECT_EQ(on_off.pattern, traffic::Pattern::on_off);
  EXPECT_EQ(on_off.peak, 2.5);
  EXPECT_EQ(on_off.hurst, 0.9);
}

TEST(CommandLine, GenByTheKernelGoesWithEvenTrafficOnly) {
  EXPECT_TRUE(std::get<GenCommand>(good({"gen", "a", "--kernel"}).command).by_kernel);
  good({"gen", "a", "--kernel", "--pps", "9", "--pattern", "incast"});
  for (const char* pattern : {"poisson", "on-off"}) {
    EXPECT_NE(usage({"gen", "a", "--kernel", "--pps", "9", "--pattern", pattern}).find("constant"),
              std::string::npos);
  }
  EXPECT_NE(usage({"gen", "a", "--kernel", "--queues", "0"}).find("taskset"), std::string::npos);
  EXPECT_NE(usage({"gen", "a", "--kernel", "--pps", "9", "--launch-time"}).find("--launch-time"),
            std::string::npos);
  EXPECT_NE(usage({"gen", "a.pcap", "--kernel", "--count", "1"}).find("interface"),
            std::string::npos);
}

TEST(CommandLine, WrongTrafficNamesItsOption) {
  const auto names = [](Words words, std::string_view option) {
    const std::string text = usage(words);
    EXPECT_NE(text.find(option), std::string::npos) << text;
  };
  names({"gen", "a", "--pattern", "poisson"}, "--pps");
  names({"gen", "a", "--pps", "1", "--pattern", "x"}, "--pattern");
  names({"gen", "a", "--pps", "1", "--burst", "0"}, "--burst");
  for (const std::string_view peak : {"1", "-2", "nan", "1001"}) {
    names({"gen", "a", "--pps", "1", "--peak", peak}, "--peak");
  }
  for (const std::string_view hurst : {"0.5", "1", "nan", "-1"}) {
    names({"gen", "a", "--pps", "1", "--hurst", hurst}, "--hurst");
  }
}

TEST(CommandLine, Version) {
  EXPECT_FALSE(std::get<VersionCommand>(good({"version"}).command).build_info);
  EXPECT_TRUE(std::get<VersionCommand>(good({"version", "--build-info"}).command).build_info);
  EXPECT_TRUE(std::holds_alternative<VersionCommand>(good({"--version"}).command));
}

TEST(CommandLine, HelpIsAnAnswerNotAnError) {
  EXPECT_NE(help({"--help"}).find("replay"), std::string::npos);
  EXPECT_NE(help({"--help"}).find("Exit status: 0 done"), std::string::npos);
  EXPECT_NE(help({"gen", "--help"}).find("valinor-afxdp gen veth0"), std::string::npos);
  EXPECT_NE(help({"gen", "-h"}).find("--int-host"), std::string::npos);
  EXPECT_NE(help({"run", "--help"}).find("--duration"), std::string::npos);
}

TEST(CommandLine, ACommandsHelpShowsItsOwnExamplesOnly) {
  for (const std::string_view command : {"run", "tap", "check", "replay", "gen", "version"}) {
    const std::string text = help({command, "--help"});
    EXPECT_NE(text.find("Examples:"), std::string::npos) << command;
    EXPECT_EQ(text.find("Exit status: 0 done"), std::string::npos) << command;
  }
}

TEST(CommandLine, UsageErrorsSayWhatAndWhereToLook) {
  EXPECT_EQ(usage({"chekc", "a.yaml"}),
            "valinor-afxdp: unknown command 'chekc'; did you mean 'check'?\n"
            "Try 'valinor-afxdp --help'.\n");
  EXPECT_EQ(usage({"check", "a.yaml", "--print-efective"}),
            "valinor-afxdp: unknown option '--print-efective'; did you mean '--print-effective'?\n"
            "Try 'valinor-afxdp check --help'.\n");
  EXPECT_EQ(usage({"-c", "a", "run", "now"}),
            "valinor-afxdp: run takes no further argument 'now'\n"
            "Try 'valinor-afxdp run --help'.\n");
  EXPECT_EQ(usage({}),
            "valinor-afxdp: no configuration; give one with -c FILE\n"
            "Try 'valinor-afxdp run --help'.\n");
  EXPECT_EQ(usage({"check"}),
            "valinor-afxdp: check needs a FILE, or -c FILE\n"
            "Try 'valinor-afxdp check --help'.\n");
  EXPECT_EQ(usage({"-c", "a", "--set", "run.key"}),
            "valinor-afxdp: --set wants key.path=value, got 'run.key'\n"
            "Try 'valinor-afxdp run --help'.\n");
  EXPECT_EQ(usage({"-c", "a", "-v", "-q"}),
            "valinor-afxdp: -v and -q exclude each other\n"
            "Try 'valinor-afxdp run --help'.\n");
  EXPECT_EQ(usage({"gen", "t.pcap"}),
            "valinor-afxdp: gen to a file needs --count or --seconds, or the file grows without "
            "end\nTry 'valinor-afxdp gen --help'.\n");
  EXPECT_EQ(usage({"gen", "a", "--dst-mac", "02:00:00:00:00"}),
            "valinor-afxdp: --dst-mac wants an address such as 02:00:00:00:00:02, got "
            "'02:00:00:00:00'\nTry 'valinor-afxdp gen --help'.\n");
  EXPECT_EQ(usage({"gen", "a", "--queues", "1,1"}),
            "valinor-afxdp: --queues lists 1 twice\nTry 'valinor-afxdp gen --help'.\n");
}

TEST(CommandLine, NumbersSayTheirRange) {
  EXPECT_EQ(usage({"gen", "a", "--hops", "x"}),
            "valinor-afxdp: --hops wants a whole number from 0 to 64, got 'x'\n"
            "Try 'valinor-afxdp gen --help'.\n");
  EXPECT_EQ(usage({"gen", "a", "--pps"}),
            "valinor-afxdp: --pps needs a value\nTry 'valinor-afxdp gen --help'.\n");
  EXPECT_EQ(usage({"gen", "a", "--pps", "1", "--pps", "2"}),
            "valinor-afxdp: --pps is given more than once\nTry 'valinor-afxdp gen --help'.\n");
}

TEST(CommandLine, ValuesThatDoNotFitNameTheirOption) {
  const auto names = [](Words words, std::string_view option) {
    const std::string text = usage(words);
    return text.find(option) != std::string::npos && text.find(" gen --help'") != std::string::npos;
  };
  EXPECT_TRUE(names({"gen"}, "TARGET"));
  EXPECT_TRUE(names({"gen", "a", "--format", "int-md"}, "--format"));
  EXPECT_TRUE(names({"gen", "a", "--collect-size", "4"}, "--collect-size"));
  EXPECT_TRUE(names({"gen", "a", "--hops", "65"}, "--hops"));
  EXPECT_TRUE(names({"gen", "a", "--hops", "x"}, "--hops"));
  EXPECT_TRUE(names({"gen", "a", "--flows", "-1"}, "--flows"));
  EXPECT_TRUE(names({"gen", "a", "--pps", "-1"}, "--pps"));
  EXPECT_TRUE(names({"gen", "a", "--pps"}, "--pps"));
  EXPECT_TRUE(names({"gen", "a", "--seconds", "5parsecs"}, "--seconds"));
  EXPECT_TRUE(names({"gen", "a", "--queues", "3-1"}, "--queues"));
}

}  // namespace
}  // namespace valinor::app
