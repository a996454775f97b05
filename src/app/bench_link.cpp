#include "app/bench_link.hpp"

#include <fmt/format.h>

#include <string>
#include <utility>
#include <vector>

#include "app/bench_progress.hpp"
#include "app/generate.hpp"
#include "base/failure.hpp"
#include "base/numbers.hpp"
#include "measure/link.hpp"
#include "measure/rate_search.hpp"
#include "measure/trial.hpp"

namespace valinor::app {
namespace {

using measure::TrialResult;

/// How near to the highest rate without a loss a search goes, as a share of what can be sent.
constexpr double kResolution = 0.01;

/// A sender that stays below this share of its rate is itself the limit.
constexpr double kOnTime = 0.98;

/// Loads at which delays are measured, of the throughput.
constexpr double kLoads[]{0.1, 0.5, 0.9};

/// Bursts that are tried: at most this large, so many of each, at this share of the throughput.
constexpr std::uint32_t kLargestBurst = 65536;
constexpr std::uint32_t kBursts = 8;
constexpr double kBurstLoad = 0.1;
/// ... as long as they take no longer than so many trials.
constexpr int kMostBurstTrials = 4;

/// Before all else packets are sent until one comes: links that were reset take seconds.
constexpr std::chrono::seconds kFirstPatience{10};
constexpr std::chrono::milliseconds kFirstTrial{100};
constexpr std::uint64_t kFirstRate = 1000;

class LinkBench {
 public:
  LinkBench(const BenchCommand& command, Signals& signals)
      : command_{command},
        signals_{signals},
        link_{command.interface, command.receive, command.queues} {
    // Queues send in turn, so a flow keeps to one of them, and to its order.
    const auto queues = static_cast<std::uint32_t>(link_.senders().size());
    command_.frames.flows = (command_.frames.flows + queues - 1) / queues * queues;
    report_.frame_bytes = traffic::FrameTemplates{command_.frames}.frame_bytes();
    require_frame_fits(
        report_.frame_bytes, link_.largest_frame(),
        sends_back() ? command.interface : command.interface + " or " + command.receive);
    describe();
  }

  measure::LinkReport run() {
    await_first();
    if (command_.rate) {
      measure_delay(0, *command_.rate);
      return std::move(report_);
    }
    search();
    if (!report_.throughput) return std::move(report_);
    for (const double load : kLoads) {
      measure_delay(load, static_cast<std::uint64_t>(report_.throughput->median * load));
    }
    seek_burst();
    return std::move(report_);
  }

 private:
  [[nodiscard]] bool sends_back() const noexcept { return command_.mode == BenchMode::reflect; }

  bool is_stopped() {
    stopped_ = stopped_ || !signals_.wait(std::chrono::milliseconds{0}).empty();
    return stopped_;
  }

  /// `rate` 0: as fast as it goes.
  TrialResult try_out(std::uint64_t rate, std::chrono::nanoseconds duration,
                      traffic::Pattern pattern = traffic::Pattern::constant,
                      std::uint32_t burst = 1, std::uint64_t count = 0) {
    measure::TrialConfig config{.frames = command_.frames, .duration = duration, .count = count};
    if (rate != 0) {
      config.pattern =
          traffic::PatternConfig{.pattern = pattern, .packets_per_second = rate, .burst = burst};
    }
    return run_trial(link_, config, [this] { return is_stopped(); });
  }

  void describe() {
    report_.mode = to_name(command_.mode);
    auto& lines = report_.environment = describe_host();
    const auto interfaces = link_.describe();
    lines.emplace_back("sends", interfaces.front());
    lines.emplace_back("receives", interfaces.back());
    lines.emplace_back("flows", std::to_string(command_.frames.flows));
    lines.emplace_back("trials", fmt::format("{:g} s, searches {}",
                                             std::chrono::duration<double>(command_.trial).count(),
                                             command_.rate ? 0 : command_.repeat));
  }

  void await_first() {
    progress_.say("waiting for the first packet");
    const auto deadline = std::chrono::steady_clock::now() + kFirstPatience;
    while (!is_stopped() && std::chrono::steady_clock::now() < deadline) {
      if (try_out(kFirstRate, kFirstTrial).received != 0) return;
    }
    if (stopped_) return;
    throw Failure{
        ExitStatus::host_not_ready,
        {"BENCH-RETURN-01", fmt::format("no packet has come by {}", command_.receive),
         fmt::format("packets were sent by {} for {} s, to {}", command_.interface,
                     kFirstPatience.count(),
                     sends_back() ? "whoever sends them back" : "whoever passes them on"),
         sends_back() ? "valinor-afxdp -c FILE --set role=reflect    at the other end of the link"
                      : fmt::format("valinor-afxdp -c FILE --set role=forward    between {} and {}",
                                    command_.interface, command_.receive)}};
  }

  void search() {
    std::vector<double> rates;
    rates.reserve(command_.repeat);
    for (std::uint32_t n = 1; n <= command_.repeat; ++n) {
      const TrialResult flat_out = try_out(0, command_.trial);
      const auto highest = static_cast<std::uint64_t>(flat_out.sent_per_second());
      std::uint64_t found = highest;
      if (flat_out.lost() == 0) {
        report_.sender_was_the_limit = true;
      } else {
        found = measure::find_rate(highest, kResolution, [&](std::uint64_t rate) {
          progress_.say(
              fmt::format("search {} of {}: {} pps", n, command_.repeat, with_commas(rate)));
          const TrialResult result = try_out(rate, command_.trial);
          return !is_stopped() && result.lost() == 0 &&
                 result.sent_per_second() >= kOnTime * static_cast<double>(rate);
        });
      }
      if (is_stopped()) return;
      rates.push_back(static_cast<double>(found));
    }
    report_.throughput = measure::spread_of(std::move(rates));
  }

  void measure_delay(double load, std::uint64_t rate) {
    if (rate == 0 || is_stopped()) return;
    progress_.say(fmt::format("delays at {} pps", with_commas(rate)));
    const TrialResult result = try_out(rate, command_.trial);
    if (!is_stopped()) report_.delays.push_back({.load = load, .result = result});
  }

  void seek_burst() {
    const auto rate = static_cast<std::uint64_t>(report_.throughput->median * kBurstLoad);
    if (rate == 0) return;
    for (std::uint32_t burst = 1; burst <= kLargestBurst && !is_stopped(); burst *= 2) {
      progress_.say(fmt::format("bursts of {} packets", with_commas(burst)));
      const std::uint64_t count = std::uint64_t{burst} * kBursts;
      const Nanos expected = traffic::departure_at(rate, count);
      if (expected > kMostBurstTrials * command_.trial) return;
      const TrialResult result =
          try_out(rate, 2 * expected, traffic::Pattern::incast, burst, count);
      if (is_stopped() || result.lost() != 0) return;
      report_.burst = burst;
    }
  }

  BenchCommand command_;
  Signals& signals_;
  measure::Link link_;
  measure::LinkReport report_;
  bool stopped_ = false;
  BenchProgress progress_;
};

}  // namespace

measure::LinkReport bench_link(const BenchCommand& command, Signals& signals) {
  return LinkBench{command, signals}.run();
}

}  // namespace valinor::app
