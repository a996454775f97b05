#include "app/bench.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <cstdio>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <stdexcept>
#include <string>

#include "app/bench_decode.hpp"
#include "app/bench_link.hpp"
#include "app/bench_rx.hpp"
#include "app/bench_stamp.hpp"
#include "app/bench_store.hpp"

namespace valinor::app {
namespace {

std::string how_to_keep(const BenchCommand& command) {
  return fmt::format("valinor-afxdp bench {}{}{} --json > {}", to_name(command.mode),
                     command.interface.empty() ? "" : " ", command.interface, command.baseline);
}

[[noreturn]] void refuse_baseline(const BenchCommand& command, const std::string& why) {
  throw Failure{
      ExitStatus::usage,
      {"BENCH-COMPARE-02",
       fmt::format("'{}' is no report of bench {}", command.baseline, to_name(command.mode)), why,
       how_to_keep(command)}};
}

/// The report to compare with; "" for none. Judged before anything is measured.
std::string read_baseline(const BenchCommand& command) {
  if (command.baseline.empty()) return {};
  std::ifstream file{command.baseline};
  std::ostringstream text;
  if (file) text << file.rdbuf();
  if (!file || !text) {
    throw Failure{ExitStatus::usage,
                  {"BENCH-COMPARE-01", "cannot read '" + command.baseline + "'",
                   describe_errno(errno), how_to_keep(command)}};
  }
  try {
    (void)measure::read_report(text.str(), std::string{to_name(command.mode)});
  } catch (const std::invalid_argument& error) {
    refuse_baseline(command, error.what());
  }
  return std::move(text).str();
}

void write_page(const std::string& path, const std::string& page) {
  std::ofstream file{path};
  file << page << std::flush;
  if (file) return;
  throw Failure{ExitStatus::host_not_ready,
                {"BENCH-HTML-01", "cannot write '" + path + "'", describe_errno(errno),
                 "the report itself stands above; give a file that can be written"}};
}

template <class Report>
ExitStatus print_report(const Report& report, const BenchCommand& command,
                        const std::string& baseline) {
  fmt::print("{}", command.json ? to_json(report) : to_text(report));
  std::fflush(stdout);
  if constexpr (requires { to_html(report); }) {
    if (!command.html.empty()) write_page(command.html, to_html(report));
  }
  if (baseline.empty()) return ExitStatus::done;
  try {
    const measure::Comparison comparison = compare(report, baseline, command.threshold);
    fmt::print(command.json ? stderr : stdout, "against {}\n{}", command.baseline, comparison.text);
    return comparison.worse ? ExitStatus::comparison_failed : ExitStatus::done;
  } catch (const std::invalid_argument& error) {
    refuse_baseline(command, error.what());
  }
}

measure::FigureReport measure_figures(const BenchCommand& command, const Config& config,
                                      Signals& signals) {
  switch (command.mode) {
    case BenchMode::rx: return bench_rx(command, config, signals);
    case BenchMode::decode: return bench_decode(command, signals);
    case BenchMode::stamp: return bench_stamp(command, config.clock, signals);
    case BenchMode::store: return bench_store(command, config.exporter, signals);
    case BenchMode::reflect:
    case BenchMode::forward: break;
  }
  throw std::logic_error{"a link has no figures of this kind"};
}

}  // namespace

ExitStatus bench(const BenchCommand& command, const Config& config, Signals& signals) {
  const std::string baseline = read_baseline(command);
  if (is_of_link(command.mode))
    return print_report(bench_link(command, signals), command, baseline);
  return print_report(measure_figures(command, config, signals), command, baseline);
}

}  // namespace valinor::app
