/// Starts here: reads the command line, loads the configuration, carries out the command, and
/// turns whatever went wrong into a message and an exit status.

#include <fmt/format.h>

#include <cstdio>
#include <exception>
#include <optional>
#include <string>
#include <system_error>
#include <variant>

#include "app/bench.hpp"
#include "app/command_line.hpp"
#include "app/config_load.hpp"
#include "app/config_show.hpp"
#include "app/doctor.hpp"
#include "app/events.hpp"
#include "app/export_records.hpp"
#include "app/generate.hpp"
#include "app/replay.hpp"
#include "app/runtime.hpp"
#include "app/version.hpp"
#include "base/failure.hpp"
#include "base/log.hpp"
#include "nic/restore.hpp"

namespace valinor::app {
namespace {

log::Level log_level(const Config& config, int verbosity) {
  if (verbosity > 0) return log::Level::debug;
  return verbosity < 0 ? log::Level::error : config.observe.log_level;
}

/// The configuration as the command line names it; a wrong one is told in full.
std::optional<LoadedConfig> load(const CommandLine& line) {
  LoadResult loaded = load_config(line.config);
  if (!loaded) {
    std::fputs(to_text(loaded.error()).c_str(), stderr);
    return std::nullopt;
  }
  log::set_level(log_level(loaded->config, line.verbosity));
  return std::move(*loaded);
}

/// A run that was killed could not put back what it had set.
void undo_after_crash() {
  for (const nic::Restoration& done : nic::restore_left_behind(nic::Left::by_crash)) {
    log::warning("left by process {}, which crashed: {}", done.process, nic::to_text(done));
  }
}

/// Carries out one command, each in a function of its own.
struct Dispatch {
  const CommandLine& line;

  ExitStatus operator()(const RunCommand& command) const {
    auto loaded = load(line);
    if (!loaded) return ExitStatus::config_invalid;
    if (command.check_only) return tell_valid();
    for (auto& interface : loaded->config.interfaces) interface.takeover |= command.takeover;
    undo_after_crash();
    Signals signals;
    return Runtime{loaded->config, print_effective(*loaded)}.run(signals);
  }

  ExitStatus operator()(const TapCommand&) const {
    const auto loaded = load(line);
    if (!loaded) return ExitStatus::config_invalid;
    Signals signals;
    return Runtime{loaded->config, print_effective(*loaded)}.run(signals);
  }

  ExitStatus operator()(const CheckCommand& command) const {
    const auto loaded = load(line);
    if (!loaded) return ExitStatus::config_invalid;
    if (!command.print_effective) return tell_valid();
    fmt::print("{}", print_effective(*loaded));
    return ExitStatus::done;
  }

  ExitStatus operator()(const ReplayCommand& command) const {
    const auto loaded = load(line);
    if (!loaded) return ExitStatus::config_invalid;
    return replay(loaded->config, command.input, command.output);
  }

  ExitStatus operator()(const GenCommand& command) const {
    log::set_level(log_level(Config{}, line.verbosity - 1));  // its own report says enough
    Signals signals;
    return generate(command, signals);
  }

  ExitStatus operator()(const BenchCommand& command) const {
    Config config;
    if (reads_configuration(command.mode)) {
      auto loaded = load(line);
      if (!loaded) return ExitStatus::config_invalid;
      config = std::move(loaded->config);
      if (command.mode == BenchMode::rx) undo_after_crash();
    }
    log::set_level(log_level(Config{}, line.verbosity - 1));  // its own report says enough
    Signals signals;
    return bench(command, config, signals);
  }

  ExitStatus operator()(const ExportCommand& command) const {
    const auto loaded = load(line);
    if (!loaded) return ExitStatus::config_invalid;
    Signals signals;
    return export_records(command, loaded->config.exporter, signals);
  }

  ExitStatus operator()(const DoctorCommand& command) const {
    if (command.undo) return undo(command);
    if (line.config.files.empty() && line.config.overrides.empty()) return doctor(command, nullptr);
    const auto loaded = load(line);
    if (!loaded) return ExitStatus::config_invalid;
    return doctor(command, &loaded->config);
  }

  ExitStatus operator()(const ListCommand& command) const { return list(command); }

  ExitStatus operator()(const VersionCommand& command) const {
    fmt::print("{}", version_text(command.build_info));
    return ExitStatus::done;
  }

 private:
  [[nodiscard]] ExitStatus tell_valid() const {
    std::string files;
    for (const std::string& file : line.config.files) files += (files.empty() ? "" : ", ") + file;
    fmt::print("{}: valid\n", files.empty() ? "the configuration" : files);
    return ExitStatus::done;
  }
};

ExitStatus carry_out(const CommandLine& line) {
  try {
    return std::visit(Dispatch{line}, line.command);
  } catch (const Failure& failure) {
    std::fflush(stdout);
    std::fputs(failure.finding().to_text().c_str(), stderr);
    return failure.exit_status();
  } catch (const std::system_error& error) {
    const Finding finding{"HOST-SYS-01", error.what(),
                          "the kernel answered " + describe_errno(error.code().value()),
                          "run again with -v; if it stays, report it with the output"};
    std::fputs(finding.to_text().c_str(), stderr);
    return ExitStatus::host_not_ready;
  } catch (const std::exception& error) {
    const Finding finding{"INTERNAL-01", error.what(), "this should not happen",
                          "please report it with the output of -v"};
    std::fputs(finding.to_text().c_str(), stderr);
    return ExitStatus::internal_error;
  }
}

}  // namespace
}  // namespace valinor::app

int main(int argc, char** argv) {
  const auto line = valinor::app::parse_command_line(argc, argv);
  if (!line) {
    const bool is_help = line.error().exit_status == valinor::ExitStatus::done;
    std::fputs(line.error().text.c_str(), is_help ? stdout : stderr);
    return static_cast<int>(line.error().exit_status);
  }
  return static_cast<int>(valinor::app::carry_out(*line));
}
