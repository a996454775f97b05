#include "app/command_line.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <utility>

#include "app/config_suggest.hpp"
#include "app/config_units.hpp"
#include "app/config_value.hpp"

namespace valinor::app {
namespace {

constexpr const char* kProgram = "valinor-afxdp";
constexpr std::array<std::string_view, 6> kCommands{"run",    "tap", "check",
                                                    "replay", "gen", "version"};

/// No NIC sends more than a thousand million a second, and Pacer's sums stay within 64 bits.
constexpr Number kMaxPacketRate = 1'000'000'000;

/// Options whose value is a word of its own, so that the word is not taken for a command.
constexpr std::array<std::string_view, 8> kTakeValue{
    "-c", "--config", "--set", "--duration", "--key", "-i", "--interface", "-k"};

constexpr const char* kExamples = R"(Examples:
  valinor-afxdp -c conf/nic.yaml                     run until Ctrl-C
  valinor-afxdp -c conf/nic.yaml run -T              check the configuration and stop
  valinor-afxdp -c conf/nic.yaml --set interfaces[0].mode=copy run --duration 60s
  valinor-afxdp check conf/nic.yaml --print-effective

Exit status: 0 done, 1 internal error, 2 usage, 3 configuration invalid, 4 host or NIC not ready,
5 not permitted, 6 records were lost.
)";
constexpr const char* kRunExamples = R"(Examples:
  valinor-afxdp -c conf/nic.yaml run --duration 60s --key 3
  valinor-afxdp -c conf/nic.yaml -c rack4.yaml run -T
)";
constexpr const char* kTapExamples = R"(Examples:
  valinor-afxdp tap -i eth0 -k 3 --duration 10s
  valinor-afxdp tap -i eth0 -i eth1 --set timestamp.clock=monotonic
)";
constexpr const char* kCheckExamples = R"(Examples:
  valinor-afxdp check conf/nic.yaml
  valinor-afxdp check base.yaml rack4.yaml --set role=reflect --print-effective
)";
constexpr const char* kReplayExamples = R"(Examples:
  valinor-afxdp replay trace.pcap --set export.redis.enabled=false
  valinor-afxdp -c conf/nic.yaml replay trace.pcap --out sent.pcap
)";
constexpr const char* kGenExamples = R"(Examples:
  valinor-afxdp gen veth0 --pps 100000 --seconds 10 --flows 64
  valinor-afxdp gen trace.pcap --format valinor-n --count 1000
)";

/// What CLI11 writes into; turned into a CommandLine once all of it was accepted.
struct Given {
  std::vector<std::string> files;
  std::vector<std::string> sets;
  int verbose = 0;
  bool quiet = false;
  RunCommand run;
  std::string duration;
  std::string key;
  std::vector<std::string> tap_interfaces;
  CheckCommand check;
  std::vector<std::string> check_files;
  ReplayCommand replay;
  std::string replay_output;
  GenCommand gen;
  std::string format = "p4netintel";
  unsigned collect_size = 3;
  std::string seconds;
  std::string queues = "all";
  std::string destination;
  VersionCommand version;
};

/// A command line that is wrong; parse() catches it.
struct Wrong {
  std::string message;
};

/// CLI11 by itself takes -1 for a large number, and 010 for eight.
CLI::Validator whole_number(Number min, Number max) {
  const auto check = [min, max](std::string& text) {
    const ParsedNumber number = parse_number(text);
    if (!number || *number < min || *number > max) {
      return fmt::format("wants a whole number from {} to {}, got {}", min, max, in_quotes(text));
    }
    text = std::to_string(*number);
    return std::string{};
  };
  return CLI::Validator{check, ""};
}

void add_run(CLI::App& app, Given& given) {
  CLI::App* run = app.add_subcommand("run", "collect telemetry (the default command)");
  run->add_flag("-T,--check", given.run.check_only, "check the configuration, then stop");
  run->add_option("--duration", given.duration, "end after this time: 60s, 1h (run.duration)")
      ->type_name("TIME");
  run->add_option("--key", given.key, "Redis key of the run (run.key)")->type_name("N");
  run->footer(kRunExamples);
}

void add_tap(CLI::App& app, Given& given) {
  CLI::App* tap = app.add_subcommand("tap", "time every packet that leaves this host");
  tap->add_option("-i,--interface", given.tap_interfaces, "interface to tap; repeat it")
      ->required()
      ->type_name("NAME")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  tap->add_option("-k,--key", given.key, "Redis key of the run (run.key)")->type_name("N");
  tap->add_option("--duration", given.duration, "end after this time: 60s, 1h (run.duration)")
      ->type_name("TIME");
  tap->footer(kTapExamples);
}

void add_check(CLI::App& app, Given& given) {
  CLI::App* check = app.add_subcommand("check", "validate configuration files; changes nothing");
  check->add_option("FILE", given.check_files, "as -c FILE; later files win")->type_name("");
  check->add_flag("--print-effective", given.check.print_effective,
                  "show every value in force and where it came from");
  check->footer(kCheckExamples);
}

void add_replay(CLI::App& app, Given& given) {
  CLI::App* replay =
      app.add_subcommand("replay", "a capture file through the pipeline; needs no NIC");
  replay->add_option("FILE", given.replay.input, "capture to read (pcap)")
      ->required()
      ->type_name("");
  replay->add_option("--out", given.replay_output, "capture to write what is sent to")
      ->type_name("FILE");
  replay->footer(kReplayExamples);
}

void add_gen(CLI::App& app, Given& given) {
  CLI::App* gen = app.add_subcommand("gen", "send telemetry packets to a NIC or a capture file");
  GenCommand& to = given.gen;
  traffic::FrameConfig& frames = to.frames;
  const auto option = [gen](const char* name, auto& field, const char* doc, const char* type) {
    return gen->add_option(name, field, doc)->type_name(type)->capture_default_str();
  };
  gen->add_option("TARGET", to.target, "interface, or a file that ends in .pcap")
      ->required()
      ->type_name("");
  option("--format", given.format, "p4netintel or valinor-n", "FORMAT")
      ->check(CLI::IsMember({"p4netintel", "valinor-n"}));
  option("--collect-size", given.collect_size, "0..3: how much a P4NetIntel hop writes", "N")
      ->check(whole_number(0, 3));
  option("--hops", frames.hops, "hops of a P4NetIntel packet, 0..64", "N")
      ->check(whole_number(0, 64));
  option("--flows", frames.flows, "flows that packets are spread over, 1..65536", "N")
      ->check(whole_number(1, 65536));
  option("--pps", to.packets_per_second, "packets a second; 0 is as fast as it goes", "N")
      ->check(whole_number(0, kMaxPacketRate));
  option("--count", to.count, "stop after N packets; 0 is never", "N")
      ->check(whole_number(0, std::numeric_limits<std::uint64_t>::max()));
  gen->add_option("--seconds", given.seconds, "stop after this time: 10, 10s, 500ms")
      ->type_name("TIME");
  option("--queues", given.queues, "all, 0-3 or 0,2: transmit queues to use", "LIST");
  option("--payload", frames.payload_bytes, "bytes behind the telemetry", "N")
      ->check(whole_number(0, 1400));
  gen->add_option("--dst-mac", given.destination,
                  "destination Ethernet address [02:00:00:00:00:02]")
      ->type_name("MAC");
  option("--seed", frames.seed, "of ports and hop values; the same seed, the same packets", "N")
      ->check(whole_number(0, std::numeric_limits<std::uint32_t>::max()));
  gen->add_flag("--int-host", frames.int_host, "with the end host's times (P4NetIntel)");
  gen->footer(kGenExamples);
}

void describe(CLI::App& app, Given& given) {
  app.name(kProgram);
  app.add_option("-c,--config", given.files, "configuration file; repeat it, later files win")
      ->type_name("FILE")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  app.add_option("--set", given.sets, "override one key of the configuration; repeat it")
      ->type_name("KEY.PATH=VALUE")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  app.add_flag("-v,--verbose", given.verbose, "log more");
  app.add_flag("-q,--quiet", given.quiet, "log errors only");
  app.footer(kExamples);
  app.require_subcommand(1);
  app.fallthrough();
  add_run(app, given);
  add_tap(app, given);
  add_check(app, given);
  add_replay(app, given);
  add_gen(app, given);
  app.add_subcommand("version", "print the version")
      ->add_flag("--build-info", given.version.build_info, "compiler, libraries and features too");
  for (CLI::App* command : app.get_subcommands({})) command->fallthrough();
}

/// The first word that is neither an option nor an option's value: its index, or the size.
std::size_t find_command(std::span<const std::string_view> arguments) {
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    const std::string_view word = arguments[i];
    if (!word.starts_with('-')) return i;
    if (std::find(kTakeValue.begin(), kTakeValue.end(), word) != kTakeValue.end()) ++i;
  }
  return arguments.size();
}

/// Names such as "--print-effective" that the command and the program know.
std::vector<std::string> option_names(const CLI::App& app, const CLI::App* command) {
  std::vector<std::string> names{"--help"};
  for (const CLI::App* of : {&app, command}) {
    if (of == nullptr) continue;
    for (const CLI::Option* option : of->get_options()) {
      for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
    }
  }
  return names;
}

const CLI::App* parsed_command(const CLI::App& app) {
  const auto commands = app.get_subcommands();
  return commands.empty() ? nullptr : commands.front();
}

std::string describe_extra(const CLI::App& app, const CLI::App* command) {
  const auto extras = app.remaining(true);
  const std::string word = extras.empty() ? std::string{} : extras.front();
  if (!word.starts_with('-')) {
    return fmt::format("{} takes no further argument {}", command ? command->get_name() : kProgram,
                       in_quotes(word));
  }
  const auto names = option_names(app, command);
  const std::vector<std::string_view> views{names.begin(), names.end()};
  const std::string bare = word.substr(0, word.find('='));
  const std::string hint = did_you_mean(bare, views);
  return fmt::format("unknown option {}{}{}", in_quotes(bare), hint.empty() ? "" : "; ", hint);
}

/// CLI11's message in our words: "--hops wants a whole number from 1 to 64, got 'x'".
std::string describe_error(const CLI::ParseError& error) {
  const std::string message = error.what();
  const std::size_t colon = message.find(": ");
  if (colon == std::string::npos) return message;
  const std::string option = message.substr(0, colon);
  const std::string what = message.substr(colon + 2);
  if (error.get_name() == "ArgumentMismatch") {
    return option + (what.ends_with("missing") ? " needs a value" : " is given more than once");
  }
  return option + (what.starts_with("wants ") ? " " : ": ") + what;
}

CommandLineAnswer usage_error(const std::string& message, std::string_view command) {
  return {ExitStatus::usage, fmt::format("{}: {}\nTry '{}{}{} --help'.\n", kProgram, message,
                                         kProgram, command.empty() ? "" : " ", command)};
}

ConfigOverride read_set(const std::string& text) {
  const std::size_t equals = text.find('=');
  if (equals == std::string::npos || equals == 0) {
    throw Wrong{fmt::format("--set wants key.path=value, got {}", in_quotes(text))};
  }
  return {"--set", text.substr(0, equals), text.substr(equals + 1)};
}

wire::MacAddress read_mac(std::string_view text) {
  if (const auto mac = parse_mac(text)) return *mac;
  throw Wrong{"--dst-mac wants an address such as 02:00:00:00:00:02, got " + in_quotes(text)};
}

/// "10" and "10s" are ten seconds.
std::chrono::nanoseconds read_seconds(const std::string& text) {
  ParsedNumber time = parse_duration(text);
  if (parse_number(text)) time = parse_duration(text + "s");
  constexpr Number kMost = 365ULL * 86400 * 1'000'000'000;
  if (!time || *time > kMost) {
    throw Wrong{"--seconds wants a time such as 10, 10s or 500ms, got " + in_quotes(text)};
  }
  return std::chrono::nanoseconds{static_cast<std::int64_t>(*time)};
}

std::vector<QueueId> read_queues(const std::string& text) {
  std::vector<QueueId> queues;
  if (text == "all") return queues;
  const auto ids = parse_id_list(text, 1023);
  if (!ids)
    throw Wrong{"--queues wants all, a range such as 0-3 or a list such as 0,2, got " +
                in_quotes(text)};
  for (const Number id : *ids) {
    const QueueId queue{static_cast<std::uint32_t>(id)};
    if (std::find(queues.begin(), queues.end(), queue) != queues.end()) {
      throw Wrong{fmt::format("--queues lists {} twice", id)};
    }
    queues.push_back(queue);
  }
  return queues;
}

GenCommand finish_gen(const Given& given) {
  GenCommand gen = given.gen;
  const bool is_p4 = given.format == "p4netintel";
  gen.frames.format = is_p4 ? telemetry::Format::p4netintel : telemetry::Format::valinor_n;
  gen.frames.layout = static_cast<telemetry::p4netintel::Layout>(given.collect_size);
  gen.frames.source = kGenSource;
  gen.frames.destination =
      given.destination.empty() ? kGenDestination : read_mac(given.destination);
  gen.queues = read_queues(given.queues);
  if (!given.seconds.empty()) gen.duration = read_seconds(given.seconds);
  if (gen.target.ends_with(".pcap") && gen.count == 0 && gen.duration.count() == 0) {
    throw Wrong{"gen to a file needs --count or --seconds, or the file grows without end"};
  }
  return gen;
}

/// The names as a YAML list.
std::string to_list(const std::vector<std::string>& names) {
  std::string out{"["};
  for (const std::string& name : names) {
    out.append(out.size() > 1 ? ", \"" : "\"");
    for (const char c : name) {
      if (c == '"' || c == '\\') out.push_back('\\');
      out.push_back(c);
    }
    out.push_back('"');
  }
  return out.append("]");
}

CommandLine finish(const Given& given, const std::string& command) {
  CommandLine line;
  line.config.files = given.files;
  for (const std::string& set : given.sets) line.config.overrides.push_back(read_set(set));
  if (given.quiet && given.verbose > 0) throw Wrong{"-v and -q exclude each other"};
  line.verbosity = given.quiet ? -1 : given.verbose;
  if (!given.duration.empty()) {
    line.config.overrides.push_back({"--duration", "run.duration", given.duration});
  }
  if (!given.key.empty()) line.config.overrides.push_back({"--key", "run.key", given.key});
  if (command == "run") {
    line.command = given.run;
  } else if (command == "tap") {
    line.config.interfaces_required = false;
    line.config.overrides.push_back({"tap", "interfaces", "[]"});
    line.config.overrides.push_back({"-i", "tap.interfaces", to_list(given.tap_interfaces)});
    line.command = TapCommand{};
  } else if (command == "check") {
    line.config.files.insert(line.config.files.end(), given.check_files.begin(),
                             given.check_files.end());
    if (line.config.files.empty() && line.config.overrides.empty()) {
      throw Wrong{"check needs a FILE, or -c FILE"};
    }
    line.command = given.check;
  } else if (command == "replay") {
    line.config.interfaces_required = false;
    ReplayCommand replay = given.replay;
    if (!given.replay_output.empty()) replay.output = given.replay_output;
    line.command = replay;
  } else if (command == "gen") {
    line.config.interfaces_required = false;
    line.command = finish_gen(given);
  } else {
    line.command = given.version;
  }
  if (command == "run" && line.config.files.empty() && line.config.overrides.empty()) {
    throw Wrong{"no configuration; give one with -c FILE"};
  }
  return line;
}

}  // namespace

tl::expected<CommandLine, CommandLineAnswer> parse_command_line(
    std::span<const std::string_view> arguments) {
  std::vector<std::string> words{arguments.begin(), arguments.end()};
  const std::size_t at = find_command(arguments);
  const bool wants_help =
      std::any_of(arguments.begin(), arguments.end(),
                  [](std::string_view word) { return word == "-h" || word == "--help"; });
  if (at < words.size() &&
      std::find(kCommands.begin(), kCommands.end(), arguments[at]) == kCommands.end()) {
    const std::string hint = did_you_mean(words[at], kCommands);
    return tl::unexpected{usage_error(
        fmt::format("unknown command {}{}{}", in_quotes(words[at]), hint.empty() ? "" : "; ", hint),
        "")};
  }
  if (at == words.size() && !wants_help) {
    if (words.size() == 1 && words[0] == "--version")
      words[0] = "version";
    else
      words.insert(words.begin(), "run");
  }

  Given given;
  CLI::App app{"Receives in-band network telemetry by AF_XDP and lands it in Redis."};
  describe(app, given);
  std::string command;
  try {
    std::reverse(words.begin(), words.end());  // as CLI11 takes them
    app.parse(words);
    command = parsed_command(app)->get_name();
    return finish(given, command);
  } catch (const CLI::CallForHelp&) {
    const CLI::App* of = parsed_command(app);
    return tl::unexpected{
        CommandLineAnswer{ExitStatus::done, of != nullptr ? of->help(kProgram) : app.help()}};
  } catch (const CLI::ExtrasError&) {
    const CLI::App* of = parsed_command(app);
    return tl::unexpected{
        usage_error(describe_extra(app, of), of != nullptr ? of->get_name() : std::string{})};
  } catch (const CLI::ParseError& error) {
    const CLI::App* of = parsed_command(app);
    return tl::unexpected{
        usage_error(describe_error(error), of != nullptr ? of->get_name() : std::string{})};
  } catch (const Wrong& wrong) {
    return tl::unexpected{usage_error(wrong.message, command)};
  }
}

tl::expected<CommandLine, CommandLineAnswer> parse_command_line(int argc, char** argv) {
  std::vector<std::string_view> arguments;
  for (int i = 1; i < argc; ++i) arguments.emplace_back(argv[i]);
  return parse_command_line(arguments);
}

}  // namespace valinor::app
