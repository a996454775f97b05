/// What the user asked for, read from argv. Nothing is opened or checked against the host here.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <variant>
#include <vector>

#include "app/bench_options.hpp"
#include "app/config_load.hpp"
#include "app/export_end.hpp"
#include "app/export_time.hpp"
#include "app/traffic_options.hpp"
#include "base/failure.hpp"

namespace valinor::app {

struct RunCommand {
  bool check_only = false;  // -T: the configuration is checked, nothing else
  bool takeover = false;    // interfaces[].takeover, of all
};

struct CheckCommand {
  bool print_effective = false;
};

/// Only the tap: the run that the configuration says, without AF_XDP interfaces.
struct TapCommand {};

struct ReplayCommand {
  std::string input;                  // capture file
  std::optional<std::string> output;  // capture file of what is sent; nothing: it is dropped
};

struct ExportCommand {
  ExportEnd from, to;
  bool overwrite = false;
  std::optional<TimeWindow> time{};  // nothing: all records
};

struct DoctorCommand {
  std::vector<std::string> interfaces;  // empty: those of the configuration, or all
  bool fix = false;                     // run what can be undone
  bool undo = false;                    // nothing but undo it
  bool json = false;
  bool bind_test = false;  // also where that may interrupt a NIC's link
};

struct ListCommand {
  bool json = false;
};

struct VersionCommand {
  bool build_info = false;
};

using Command =
    std::variant<RunCommand, TapCommand, CheckCommand, ReplayCommand, GenCommand, BenchCommand,
                 ExportCommand, DoctorCommand, ListCommand, VersionCommand>;

struct CommandLine {
  ConfigSources config;  // of all -c, of check's FILEs, --set, and what run and tap imply
  int verbosity = 0;     // number of -v, or -1 for -q
  Command command;
};

/// Why there is no command to carry out: help was asked for (done, for stdout), or the command line
/// is wrong (usage, for stderr).
struct CommandLineAnswer {
  ExitStatus exit_status = ExitStatus::usage;
  std::string text;  // with final newline
};

/// `arguments` without the program's name.
[[nodiscard]] tl::expected<CommandLine, CommandLineAnswer> parse_command_line(
    std::span<const std::string_view> arguments);
[[nodiscard]] tl::expected<CommandLine, CommandLineAnswer> parse_command_line(int argc,
                                                                              char** argv);

}  // namespace valinor::app
