#include "app/command_line.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "app/command_options.hpp"
#include "app/config_suggest.hpp"
#include "app/config_value.hpp"
#include "app/option_values.hpp"

namespace valinor::app {
namespace {

constexpr std::array<std::string_view, 10> kCommands{"run", "tap",   "check",  "replay", "export",
                                                     "gen", "bench", "doctor", "list",   "version"};

/// Options whose value is a word of its own, so that the word is not taken for a command.
constexpr std::array<std::string_view, 8> kTakeValue{
    "-c", "--config", "--set", "--duration", "--key", "-i", "--interface", "-k"};

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

/// The command, or the mode of one.
const CLI::App* parsed_command(const CLI::App& app) {
  const CLI::App* found = nullptr;
  for (auto commands = app.get_subcommands(); !commands.empty();
       commands = found->get_subcommands()) {
    found = commands.front();
  }
  return found;
}

/// "bench rx"; "" of the program itself.
std::string full_name_of(const CLI::App* command) {
  std::string name;
  for (; command != nullptr && command->get_parent() != nullptr; command = command->get_parent()) {
    name.insert(0, name.empty() ? command->get_name() : fmt::format("{} ", command->get_name()));
  }
  return name;
}

std::string describe_extra(const CLI::App& app, const CLI::App* command) {
  const auto extras = app.remaining(true);
  const std::string word = extras.empty() ? std::string{} : extras.front();
  if (!word.starts_with('-')) {
    return fmt::format("{} takes no further argument {}",
                       command ? full_name_of(command) : kProgram, in_quotes(word));
  }
  const auto names = option_names(app, command);
  const std::vector<std::string_view> views{names.begin(), names.end()};
  const std::string bare = word.substr(0, word.find('='));
  if (command != nullptr && std::find(names.begin(), names.end(), bare) != names.end()) {
    return fmt::format("{} belongs behind the command:  {} {} {} ...", bare, kProgram,
                       full_name_of(command), bare);
  }
  const std::string hint = did_you_mean(bare, views);
  return fmt::format("unknown option {}{}{}", in_quotes(bare), hint.empty() ? "" : "; ", hint);
}

/// The word where a mode of bench should be; "" for none. Nothing: all is well with it.
std::optional<std::string> find_missing_mode(const CLI::App& app, const CLI::App* command) {
  if (full_name_of(command) != "bench") return std::nullopt;
  for (const std::string& word : app.remaining(true)) {
    if (!word.starts_with('-')) return word;
  }
  return std::string{};
}

/// CLI11's message in our words: "--hops wants a whole number from 1 to 64, got 'x'".
std::string describe_error(const CLI::ParseError& error) {
  std::string message = error.what();
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

ExportCommand finish_export(const Given& given) {
  auto from = parse_export_source(given.export_from);
  if (!from) throw Wrong{from.error().doing};
  auto to = parse_export_target(given.export_to);
  if (!to) throw Wrong{to.error().doing};
  if (*from == *to) throw Wrong{"--from and --to are the same"};
  ExportCommand command{.from = *from, .to = *to, .overwrite = given.export_overwrite};
  if (given.export_time.empty()) return command;
  const auto window = parse_time_window(given.export_time);
  if (!window) throw Wrong{window.error().doing};
  command.time = *window;
  return command;
}

/// `name` of the command, and of its mode.
CommandLine finish(const Given& given, const std::string& name) {
  const std::string command = name.substr(0, name.find(' '));
  BenchCommand bench;
  if (command == "bench") bench = finish_bench(given.bench, given.traffic);
  const bool reads_none = command == "gen" || command == "list" || command == "version" ||
                          (command == "bench" && !reads_configuration(bench.mode));
  if (reads_none && !(given.files.empty() && given.sets.empty())) {
    throw Wrong{name + " reads no configuration; leave out -c and --set"};
  }
  CommandLine line;
  line.config.files = given.files;
  for (const std::string& set : given.sets) line.config.overrides.push_back(read_set(set));
  if (given.quiet && given.verbose > 0) throw Wrong{"-v and -q exclude each other"};
  line.verbosity = given.quiet ? -1 : given.verbose;
  if (!given.duration.empty()) {
    line.config.overrides.push_back({"--duration", "run.duration", given.duration});
  }
  if (!given.key.empty()) line.config.overrides.push_back({"--key", "run.key", given.key});
  if (given.append && given.overwrite) throw Wrong{"--append and --overwrite exclude each other"};
  if (given.append) {
    line.config.overrides.push_back({"--append", "run.on_existing", "append"});
  } else if (given.overwrite) {
    line.config.overrides.push_back({"--overwrite", "run.on_existing", "overwrite"});
  }
  if (command == "run") {
    if (given.run_json) line.config.overrides.push_back({"--json", "observe.output", "json"});
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
    line.command = finish_gen(given.traffic);
  } else if (command == "bench") {
    line.config.interfaces_required = false;
    line.command = bench;
  } else if (command == "export") {
    line.config.interfaces_required = false;
    line.command = finish_export(given);
  } else if (command == "doctor") {
    if (given.doctor.fix && given.doctor.undo) throw Wrong{"--fix and --undo exclude each other"};
    line.command = given.doctor;
  } else if (command == "list") {
    line.command = given.list;
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
    if (words.size() == 1 && words[0] == "--version") {
      words[0] = "version";
    } else {
      words.insert(words.begin(), "run");
    }
  }

  Given given;
  CLI::App app{"Receives in-band network telemetry by AF_XDP and lands it in Redis."};
  describe_options(app, given);
  std::string command;
  try {
    std::reverse(words.begin(), words.end());  // as CLI11 takes them
    app.parse(words);
    command = full_name_of(parsed_command(app));
    return finish(given, command);
  } catch (const CLI::CallForHelp&) {
    const CLI::App* of = parsed_command(app);
    if (of == nullptr) return tl::unexpected{CommandLineAnswer{ExitStatus::done, app.help()}};
    std::string above = full_name_of(of->get_parent());
    above.insert(0, above.empty() ? kProgram : std::string{kProgram} + " ");
    return tl::unexpected{CommandLineAnswer{ExitStatus::done, of->help(above)}};
  } catch (const CLI::ParseError& error) {
    const CLI::App* of = parsed_command(app);
    if (const auto word = find_missing_mode(app, of)) {
      return tl::unexpected{usage_error(describe_missing_mode(*word), full_name_of(of))};
    }
    const bool is_extra = dynamic_cast<const CLI::ExtrasError*>(&error) != nullptr;
    return tl::unexpected{
        usage_error(is_extra ? describe_extra(app, of) : describe_error(error), full_name_of(of))};
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
