#include "app/bench_stamp.hpp"

#include <fmt/format.h>

#include <string>
#include <vector>

#include "app/bench_progress.hpp"
#include "measure/clock_trial.hpp"
#include "nic/ethtool.hpp"
#include "nic/timestamping.hpp"

namespace valinor::app {
namespace {

using measure::Better;

/// Until published time has settled on the clock's rate.
constexpr std::chrono::milliseconds kSettle{600};

/// "eth0 (igc): stamps all packets it receives, by /dev/ptp0"
std::string describe_nic(const std::string& name) {
  const nic::Device device{name};
  const auto driver = nic::driver_info(device);
  const auto stamps = nic::timestamp_abilities(device);
  std::string text = fmt::format("{} ({}): ", name, driver ? driver->driver : "no driver");
  if (!stamps || stamps->phc < 0) return text + "stamps nothing in hardware, has no clock (PHC)";
  text += stamps->stamps_all_received()   ? "stamps all packets it receives"
          : stamps->stamps_ptp_received() ? "stamps received PTP packets only"
                                          : "stamps no received packets";
  return text + fmt::format(", has the clock /dev/ptp{}", stamps->phc);
}

class StampBench {
 public:
  StampBench(const BenchCommand& command, clock::ClockName name, Signals& signals)
      : command_{command}, name_{name}, signals_{signals}, discipline_{name} {}

  measure::FigureReport run() {
    if (!command_.interface.empty()) {
      report_.environment.emplace_back("nic", describe_nic(command_.interface));
    }
    report_.environment.emplace_back(
        "trials", fmt::format("{} of {:g} s", command_.repeat,
                              std::chrono::duration<double>(command_.trial).count()));
    progress_.say("following the clock");
    (void)watch(kSettle);
    for (std::uint32_t n = 1; n <= command_.repeat && !is_stopped(); ++n) {
      progress_.say(fmt::format("trial {} of {}", n, command_.repeat));
      const measure::ClockCosts costs =
          measure::measure_costs(name_, discipline_.published().load());
      const measure::ClockDeviation seen = watch(command_.trial);
      if (is_stopped()) break;
      keep(costs, seen);
    }
    const clock::ClockQuality quality = discipline_.quality();
    report_.environment.emplace_back("clock", clock::to_text(quality));
    report_.environment.emplace_back("tsc", quality.tsc_invariant
                                                ? "invariant: it runs at one rate, on all CPUs"
                                                : "NOT invariant: times are not to be trusted");
    if (!deviations_.empty()) report(quality);
    return std::move(report_);
  }

 private:
  bool is_stopped() {
    stopped_ = stopped_ || !signals_.wait(std::chrono::milliseconds{0}).empty();
    return stopped_;
  }

  measure::ClockDeviation watch(std::chrono::nanoseconds duration) {
    return measure::watch_clock(discipline_, name_, duration, [this] { return is_stopped(); });
  }

  void keep(const measure::ClockCosts& costs, const measure::ClockDeviation& seen) {
    tsc_.push_back(costs.tsc_ns);
    kernel_.push_back(costs.kernel_ns);
    host_.push_back(costs.host_ns);
    // Without a look that was narrow enough nothing is known of it.
    if (seen.looks != 0) deviations_.push_back(static_cast<double>(seen.deviation.count()));
    bounds_.push_back(static_cast<double>(seen.bound.count()));
    widths_.push_back(static_cast<double>(seen.look.count()));
    looks_ += seen.looks;
    misses_ += seen.misses;
  }

  static measure::Figure figure(const char* name, const std::string& label,
                                const std::vector<double>& values, std::optional<Better> better,
                                int decimals) {
    return {.name = name,
            .label = label,
            .value = measure::spread_of(values),
            .better = better,
            .decimals = decimals};
  }

  void report(const clock::ClockQuality& quality) {
    const std::string clock{to_name(name_)};
    report_.cases.push_back(
        {.name = "one reading, ns",
         .figures = {figure("tsc_ns", "TSC", tsc_, Better::less, 1),
                     figure("clock_gettime_ns", "clock_gettime, " + clock, kernel_, Better::less,
                            1),
                     figure("to_host_ns", "TSC as published time", host_, Better::less, 1)},
         .counts = {}});
    measure::Case& against = report_.cases.emplace_back();
    against.name = "published time against " + clock + ", ns";
    against.counts = {{"looks", looks_}, {"bound_misses", misses_}, {"steps", quality.steps}};
    if (!deviations_.empty()) {
      against.figures = {figure("deviation_ns", "largest deviation", deviations_, Better::less, 0),
                         figure("look_ns", "... known within", widths_, std::nullopt, 0)};
    }
    against.figures.push_back(figure("bound_ns", "largest stated bound", bounds_, Better::less, 0));
  }

  const BenchCommand& command_;
  clock::ClockName name_;
  Signals& signals_;
  clock::Discipline discipline_;
  measure::FigureReport report_{.mode = "stamp", .environment = describe_host(), .cases = {}};
  std::vector<double> tsc_, kernel_, host_, deviations_, bounds_, widths_;  // of each trial
  std::uint64_t looks_ = 0;
  std::uint64_t misses_ = 0;
  bool stopped_ = false;
  BenchProgress progress_;
};

}  // namespace

measure::FigureReport bench_stamp(const BenchCommand& command, clock::ClockName name,
                                  Signals& signals) {
  return StampBench{command, name, signals}.run();
}

}  // namespace valinor::app
