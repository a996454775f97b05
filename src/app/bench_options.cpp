#include "app/bench_options.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <limits>

#include "app/config_suggest.hpp"
#include "app/config_units.hpp"
#include "app/config_value.hpp"
#include "app/option_values.hpp"

namespace valinor::app {
namespace {

constexpr std::array<std::string_view, 6> kModes{"reflect", "forward", "rx",
                                                 "decode",  "stamp",   "export"};

constexpr const char* kBenchExamples = R"(Examples:
  valinor-afxdp bench reflect eth0                   what comes back from a reflector
  valinor-afxdp bench forward eth0 --receive eth1    through a forwarder
  valinor-afxdp -c conf/nic.yaml bench rx eth0       what this host takes of what comes in
  valinor-afxdp bench decode                         what telemetry costs to read
  valinor-afxdp bench stamp                          what a time costs, and how good it is
  valinor-afxdp -c conf/nic.yaml bench export        what the configured stores take

All of them: --repeat, --json, and --compare with what --json said earlier.
Exit status: 0 done, 7 worse than the report that it was compared with.
)";
constexpr const char* kReflectExamples = R"(Examples:
  valinor-afxdp bench reflect eth0                   the highest rate without a loss, and delays
  valinor-afxdp bench reflect eth0 --pps 100000      delays at that rate only
  valinor-afxdp bench reflect eth0 --json > before.json
  valinor-afxdp bench reflect eth0 --compare before.json
)";
constexpr const char* kForwardExamples = R"(Examples:
  valinor-afxdp bench forward eth0 --receive eth1
  valinor-afxdp bench forward eth0 --receive eth1 --html report.html
)";
constexpr const char* kRxExamples = R"(Examples:
  valinor-afxdp bench rx eth0                        and meanwhile, at the other end:
  valinor-afxdp gen eth0 --flows 64 --seconds 60
  valinor-afxdp -c conf/nic.yaml bench rx eth0 --trial 5s --json
)";
constexpr const char* kDecodeExamples = R"(Examples:
  valinor-afxdp bench decode                         all layouts, 1 to 64 hops
  valinor-afxdp bench decode --hops 5 --collect-size 2
  valinor-afxdp bench decode --format valinor-n --flows 4096
)";
constexpr const char* kStampExamples = R"(Examples:
  valinor-afxdp bench stamp
  valinor-afxdp --set timestamp.clock=monotonic bench stamp eth0
)";
constexpr const char* kStoreExamples = R"(Examples:
  valinor-afxdp -c conf/nic.yaml bench export
  valinor-afxdp --set export.redis.format=stream bench export --records 10000000
  valinor-afxdp --set export.redis.enabled=false bench export      without any store

The records go to a key of its own, which is removed afterwards; one that is there is left alone.
)";

/// Of how long, and how often.
struct Defaults {
  std::chrono::nanoseconds trial;
  std::uint32_t repeat;
};

constexpr Defaults defaults_of(BenchMode mode) noexcept {
  using namespace std::chrono_literals;
  switch (mode) {
    case BenchMode::reflect:
    case BenchMode::forward: return {2s, 3};
    case BenchMode::rx: return {2s, 5};
    case BenchMode::decode: return {100ms, 5};
    case BenchMode::stamp: return {1s, 5};
    case BenchMode::store: break;
  }
  return {0s, 5};
}

CLI::App* add_mode(CLI::App& bench, GivenBench& given, const char* name, const char* doc,
                   const char* examples) {
  CLI::App* mode = bench.add_subcommand(name, doc);
  mode->callback([&given, name] { given.mode = name; });
  mode->footer(examples);
  return mode;
}

void add_trial(CLI::App& mode, GivenBench& given, const char* doc) {
  mode.add_option("--trial", given.trial, doc)->type_name("TIME");
}

void add_repeat(CLI::App& mode, GivenBench& given, const char* doc) {
  mode.add_option("--repeat", given.repeat, doc)->type_name("N")->check(whole_number(1, 99));
}

void add_results(CLI::App& mode, GivenBench& given) {
  BenchCommand& to = given.command;
  mode.add_flag("--json", to.json, "for programs");
  mode.add_option("--compare", to.baseline, "what --json said earlier")->type_name("FILE");
  add_described(mode, "--threshold", given.percent, "how much worse than that a figure may be",
                "PERCENT");
}

void add_link(CLI::App& mode, GivenBench& given, GivenTraffic& traffic) {
  add_described(mode, "--pps", given.packets_per_second,
                "delays at this rate only; 0 looks for the highest rate without a loss (RFC 2544)",
                "N")
      ->check(whole_number(0, kMaxPacketRate));
  add_trial(mode, given, "how long each measurement sends: 2, 2s, 500ms [2s]");
  add_repeat(mode, given, "searches, of which the median counts, 1..99 [3]");
  add_results(mode, given);
  mode.add_option("--html", given.command.html, "also write a page with a picture")
      ->type_name("FILE");
  add_frames(mode, traffic);
  add_sending(mode, traffic);
}

CLI::Option* add_interface(CLI::App& mode, GivenBench& given, const char* doc) {
  return mode.add_option("IFACE", given.command.interface, doc)->type_name("");
}

void add_decode(CLI::App& bench, GivenBench& given, GivenTraffic& traffic) {
  CLI::App* decode = add_mode(bench, given, "decode", "packets of telemetry in memory into records",
                              kDecodeExamples);
  add_trial(*decode, given, "how long each measurement decodes: 1, 1s, 50ms [100ms]");
  add_repeat(*decode, given, "measurements of each case, 1..99 [5]");
  add_results(*decode, given);
  add_frames(*decode, traffic);
  const auto note = [&](const char* option, bool& is_given) {
    decode->get_option(option)->each([&is_given](const std::string&) { is_given = true; });
  };
  note("--format", given.names_format);
  note("--collect-size", given.names_layout);
  note("--hops", given.names_hops);
}

/// Everything that the options leave open, each on its own.
std::vector<traffic::FrameConfig> make_cases(const GivenBench& given,
                                             const traffic::FrameConfig& frames) {
  using telemetry::Format;
  using telemetry::p4netintel::Layout;
  std::vector<traffic::FrameConfig> cases;
  const auto add = [&](Format format, Layout layout, std::uint16_t hops) {
    cases.push_back(frames);
    cases.back().format = format;
    cases.back().layout = layout;
    cases.back().hops = hops;
  };
  const bool is_p4 = frames.format == Format::p4netintel;
  if (is_p4) {
    std::vector<Layout> layouts{Layout::depth_only, Layout::standard, Layout::discrete,
                                Layout::full};
    if (given.names_layout) layouts = {frames.layout};
    std::vector<std::uint16_t> hops{1, 3, 9, 18, 64};
    if (given.names_hops) hops = {frames.hops};
    for (const Layout layout : layouts) {
      for (const std::uint16_t count : hops) add(Format::p4netintel, layout, count);
    }
  }
  const bool names_p4 = given.names_format || given.names_layout || given.names_hops;
  if (!is_p4 || !names_p4) add(Format::valinor_n, frames.layout, 0);
  return cases;
}

}  // namespace

std::string_view to_name(BenchMode mode) noexcept { return kModes[static_cast<std::size_t>(mode)]; }

void add_bench(CLI::App& app, GivenBench& given, GivenTraffic& traffic) {
  CLI::App* bench =
      app.add_subcommand("bench", "measure: a link, receiving, decoding, clocks, stores");
  bench->require_subcommand(1);
  bench->footer(kBenchExamples);

  CLI::App* reflect = add_mode(
      *bench, given, "reflect",
      "how many packets whoever is at the other end sends back without a loss, and how late",
      kReflectExamples);
  add_interface(*reflect, given, "interface to send and to receive by")->required();
  add_link(*reflect, given, traffic);

  CLI::App* forward =
      add_mode(*bench, given, "forward",
               "how many packets whoever is in between passes on without a loss, and how late",
               kForwardExamples);
  add_interface(*forward, given, "interface to send by")->required();
  forward->add_option("--receive", given.command.receive, "interface to receive by")
      ->required()
      ->type_name("IFACE");
  add_link(*forward, given, traffic);

  CLI::App* rx =
      add_mode(*bench, given, "rx",
               "what this host takes, as role collect, of what somebody else sends", kRxExamples);
  add_interface(*rx, given, "interface to receive by, as -c has it if it is there")->required();
  add_trial(*rx, given, "how long each measurement lasts: 2, 2s, 500ms [2s]");
  add_repeat(*rx, given, "measurements, 1..99 [5]");
  add_described(*rx, "--wait", given.wait, "how long the first packet may take: 10, 90s", "TIME");
  add_results(*rx, given);

  add_decode(*bench, given, traffic);

  CLI::App* stamp = add_mode(*bench, given, "stamp",
                             "what clocks cost to read, and how far ours is off", kStampExamples);
  add_interface(*stamp, given, "also say what this NIC can stamp");
  add_trial(*stamp, given, "how long each measurement lasts: 1, 1s, 500ms [1s]");
  add_repeat(*stamp, given, "measurements, 1..99 [5]");
  add_results(*stamp, given);

  CLI::App* store =
      add_mode(*bench, given, "export",
               "how many records the configured stores take, each on its own", kStoreExamples);
  add_described(*store, "--records", given.records, "records of each measurement, 1..1000000000",
                "N")
      ->check(whole_number(1, 1'000'000'000));
  add_described(*store, "--hops", traffic.frames.hops, "hops of each record, 0..64", "N")
      ->check(whole_number(0, 64));
  store
      ->add_option("--key", given.key,
                   "key to use in Redis, which must not be there [4294967295:bench]")
      ->type_name("N")
      ->check(whole_number(0, std::numeric_limits<std::uint32_t>::max()));
  add_repeat(*store, given, "measurements, 1..99 [5]");
  add_results(*store, given);

  for (CLI::App* mode : bench->get_subcommands({})) mode->fallthrough();
}

std::string describe_missing_mode(const std::string& word) {
  const std::string modes = "reflect, forward, rx, decode, stamp or export";
  if (word.empty()) return "bench needs a mode: " + modes;
  const std::string hint = did_you_mean(word, kModes);
  return fmt::format(
      "bench needs a mode, {}, and {} is none{}", modes, in_quotes(word),
      hint.empty() ? fmt::format(":  {} bench reflect {}", "valinor-afxdp", word) : "; " + hint);
}

BenchCommand finish_bench(const GivenBench& given, const GivenTraffic& traffic) {
  BenchCommand bench = given.command;
  const auto* const mode = std::ranges::find(kModes, given.mode);
  bench.mode = static_cast<BenchMode>(mode - kModes.begin());
  bench.frames = finish_frames(traffic);
  if (is_of_link(bench.mode)) {
    if (bench.receive == bench.interface) {
      throw Wrong{"--receive names IFACE itself; for what comes back there is bench reflect"};
    }
    if (bench.receive.empty()) bench.receive = bench.interface;
    bench.frames.stamped = true;
    bench.queues = read_queues(traffic.queues);
    if (given.packets_per_second != 0) bench.rate = given.packets_per_second;
  } else if (bench.mode == BenchMode::rx) {
    bench.wait = read_seconds("--wait", given.wait);
  } else if (bench.mode == BenchMode::decode) {
    bench.decoded = make_cases(given, bench.frames);
  } else if (bench.mode == BenchMode::store) {
    bench.records = given.records;
    if (!given.key.empty()) {
      bench.key = static_cast<std::uint32_t>(parse_number(given.key).value());
    }
  }
  const Defaults defaults = defaults_of(bench.mode);
  bench.trial = given.trial.empty() ? defaults.trial : read_seconds("--trial", given.trial);
  bench.repeat = given.repeat == 0 ? defaults.repeat : given.repeat;
  if (bench.mode != BenchMode::store && bench.trial < std::chrono::milliseconds{10}) {
    throw Wrong{"--trial wants at least 10ms"};
  }
  const bool percent_fits = given.percent >= 0 && given.percent <= 100;
  if (!percent_fits) throw Wrong{"--threshold wants a number of per cent, 0 to 100"};
  bench.threshold = given.percent / 100;
  return bench;
}

}  // namespace valinor::app
