#include "app/bench_rx.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <deque>
#include <fstream>
#include <functional>
#include <string>
#include <vector>

#include "app/bench_progress.hpp"
#include "app/patience.hpp"
#include "app/timed_worker.hpp"
#include "app/wiring.hpp"
#include "base/numbers.hpp"
#include "clock/discipline.hpp"
#include "clock/tsc.hpp"
#include "exporter/exporter.hpp"
#include "exporter/make_store.hpp"
#include "nic/device.hpp"

namespace valinor::app {
namespace {

using measure::Better;
using std::chrono::steady_clock;

/// How often the published clock is adjusted, and a signal looked for.
constexpr std::chrono::milliseconds kRxTick{100};

/// An interrupted measurement that has lasted for less says nothing.
constexpr std::chrono::milliseconds kShortest{10};

/// Running totals at one moment.
struct RxTotals {
  steady_clock::time_point at;
  clock::TscTicks ticks;
  std::uint64_t received = 0, bytes = 0, records = 0, hops = 0;
  std::uint64_t malformed = 0, records_ring_full = 0;  // of those received
  std::uint64_t rx_ring_full = 0, rx_no_frame = 0;     // that the kernel had, and no room for
  std::uint64_t nic_missed = 0, nic_dropped = 0;       // that the interface counts itself
  std::uint64_t not_telemetry = 0;                     // left to the host's stack
  std::uint64_t busy_ticks = 0;                        // of all workers
};

/// The configuration of a run that does nothing but receive by that interface.
Config only(const Config& config, const std::string& name) {
  Config one = config;
  one.interfaces.clear();
  for (const auto& listed : config.interfaces) {
    if (listed.name == name) one.interfaces.push_back(listed);
  }
  if (one.interfaces.empty()) {
    auto& added = one.interfaces.emplace_back();
    added.name = name;
    added.promiscuous = true;  // whoever sends need not know our address
  }
  one.worker.role = pipeline::Role::collect;
  one.forward_to.clear();
  one.residence = false;
  if (one.other == packet_io::afxdp::OtherTraffic::forward) one.other.reset();
  one.exporter.redis.enabled = false;
  one.exporter.file.enabled = false;
  return one;
}

/// What the kernel counts of the interface; 0 where /sys shows another one.
std::uint64_t read_statistic(const nic::Device& device, const char* name) {
  std::uint64_t count = 0;
  if (!device.is_in_sysfs()) return count;
  std::ifstream file{fmt::format("/sys/class/net/{}/statistics/{}", device.name(), name)};
  file >> count;
  return count;
}

class RxBench {
 public:
  RxBench(const BenchCommand& command, const Config& config, Signals& signals)
      : command_{command},
        config_{only(config, command.interface)},
        signals_{signals},
        device_{command.interface},
        discipline_{config_.clock},
        wiring_{wire_up(config_, discipline_.published())} {
    exporter::Exporter::Rings rings;
    for (const auto& lane : wiring_.lanes) {
      workers_.emplace_back(config_, *lane, discipline_.published(), wiring_.times.front()->clock(),
                            config_.interfaces.front().poll);
      rings.emplace_back(lane->records());
    }
    exporter_.emplace(config_.exporter, exporter::make_sinks(config_.exporter).parts,
                      std::move(rings));
    describe();
  }

  measure::FigureReport run() {
    for (TimedWorker& worker : workers_) worker.start();
    start_ = read();
    interface().steer();
    for (const Finding& warning : wiring_.warnings) {
      fmt::print(stderr, "{}", warning.to_text("warning"));
    }
    fmt::print(stderr, "ready: telemetry is awaited by {}\n", command_.interface);
    await_first();
    (void)wait(command_.trial / 4, "warming up");
    for (std::uint32_t n = 1; n <= command_.repeat && !stopped_; ++n) {
      const RxTotals before = read();
      wait(command_.trial, fmt::format("trial {} of {}", n, command_.repeat));
      const RxTotals after = read();
      if (after.at - before.at >= kShortest) keep(before, after);
    }
    interface().unsteer();
    for (TimedWorker& worker : workers_) worker.stop();
    exporter_->stop(steady_clock::now() + kFlushPatience);
    if (!rates_.empty()) report();
    return std::move(report_);
  }

 private:
  packet_io::afxdp::OpenInterface& interface() { return *wiring_.interfaces.front(); }

  void describe() {
    auto& lines = report_.environment;
    const auto& ports = interface().ports();
    const auto& found = interface().interface();
    lines.emplace_back("receives",
                       fmt::format("{}: {}, {} queue{}, {}", found.name, found.driver, ports.size(),
                                   ports.size() == 1 ? "" : "s",
                                   packet_io::afxdp::to_name(interface().mode_of(*ports.front()))));
    lines.emplace_back("time", wiring_.times.front()->describe());
    lines.emplace_back("trials",
                       fmt::format("{} of {:g} s", command_.repeat,
                                   std::chrono::duration<double>(command_.trial).count()));
  }

  [[nodiscard]] RxTotals read() {
    RxTotals totals{.at = steady_clock::now(), .ticks = clock::read_tsc()};
    for (const TimedWorker& worker : workers_) {
      const pipeline::WorkerStats& stats = worker.stats();
      totals.received += stats.received.value();
      totals.bytes += stats.received_bytes.value();
      totals.records += stats.records.value();
      totals.hops += stats.hops.value();
      totals.records_ring_full += stats.records_ring_full.value();
      for (const Counter& dropped : stats.dropped) totals.malformed += dropped.value();
      const auto kernel = worker.port().kernel_statistics();
      totals.rx_ring_full += kernel.rx_ring_full;
      totals.rx_no_frame += kernel.rx_dropped;
      totals.busy_ticks += worker.busy_ticks();
    }
    totals.nic_missed = read_statistic(device_, "rx_missed_errors");
    totals.nic_dropped = read_statistic(device_, "rx_dropped");
    totals.not_telemetry = interface().program().decisions().frames[VALINOR_NOT_TELEMETRY];
    return totals;
  }

  /// As a run's main thread does; a signal ends it.
  void wait(
      std::chrono::nanoseconds time, const std::string& what,
      const std::function<bool()>& over = [] { return false; }) {
    const auto end = steady_clock::now() + time;
    while (!stopped_ && !over() && steady_clock::now() < end) {
      progress_.say(what);
      const auto left = std::chrono::ceil<std::chrono::milliseconds>(end - steady_clock::now());
      stopped_ = !signals_.wait(std::min(left, kRxTick)).empty();
      discipline_.adjust();
      for (const auto& time_of : wiring_.times) time_of->adjust();
    }
  }

  void await_first() {
    const auto has_come = [this] { return read().received != start_.received; };
    wait(command_.wait, "waiting for the first packet", has_come);
    if (stopped_ || has_come()) return;
    const std::uint64_t others = read().not_telemetry - start_.not_telemetry;
    throw Failure{
        ExitStatus::host_not_ready,
        {"BENCH-RX-01", "no telemetry has come by " + command_.interface,
         fmt::format("it was awaited for {:g} s; frames without telemetry that came meanwhile: {}",
                     std::chrono::duration<double>(command_.wait).count(), with_commas(others)),
         "valinor-afxdp gen IFACE --seconds 60    at the other end of the link\n"
         "telemetry.match    in the configuration: what counts as telemetry"}};
  }

  void keep(const RxTotals& before, const RxTotals& after) {
    const double seconds = std::chrono::duration<double>(after.at - before.at).count();
    const auto rate = [&](std::uint64_t RxTotals::*count) {
      return static_cast<double>(after.*count - before.*count) / seconds;
    };
    rates_.push_back(rate(&RxTotals::received));
    bytes_.push_back(rate(&RxTotals::bytes));
    records_.push_back(rate(&RxTotals::records));
    hops_.push_back(rate(&RxTotals::hops));
    unfit_.push_back(rate(&RxTotals::rx_ring_full) + rate(&RxTotals::rx_no_frame));
    const auto busy = static_cast<double>(after.busy_ticks - before.busy_ticks);
    const auto passed = static_cast<double>(clock::ticks_between(before.ticks, after.ticks));
    busy_.push_back(100 * busy / passed / static_cast<double>(workers_.size()));
    const std::uint64_t received = after.received - before.received;
    if (received != 0) cycles_.push_back(busy / static_cast<double>(received));
  }

  void report() {
    measure::Case& all =
        report_.cases.emplace_back(measure::Case{.name = "received", .figures = {}, .counts = {}});
    const auto add = [&](const char* name, const char* label, const std::vector<double>& values,
                         std::optional<Better> better, int decimals = 0) {
      if (values.empty()) return;
      all.figures.push_back({.name = name,
                             .label = label,
                             .value = measure::spread_of(values),
                             .better = better,
                             .decimals = decimals});
    };
    add("packets_per_second", "packets/s", rates_, Better::more);
    add("bytes_per_second", "bytes/s", bytes_, std::nullopt);
    add("records_per_second", "records/s", records_, Better::more);
    add("hops_per_second", "hops/s", hops_, std::nullopt);
    add("not_taken_per_second", "not taken/s", unfit_, std::nullopt);
    add("cycles_per_packet", "TSC cycles/packet", cycles_, Better::less);
    add("busy_percent", "workers busy, %", busy_, std::nullopt, 1);
    const RxTotals end = read();
    const auto count = [&](const char* name, std::uint64_t RxTotals::*of) {
      all.counts.emplace_back(name, end.*of - start_.*of);
    };
    count("received", &RxTotals::received);
    count("records", &RxTotals::records);
    count("malformed", &RxTotals::malformed);
    count("ring_full", &RxTotals::records_ring_full);
    count("rx_ring_full", &RxTotals::rx_ring_full);
    count("rx_no_frame", &RxTotals::rx_no_frame);
    count("nic_missed", &RxTotals::nic_missed);
    count("nic_dropped", &RxTotals::nic_dropped);
    count("not_telemetry", &RxTotals::not_telemetry);
  }

  const BenchCommand& command_;
  Config config_;
  Signals& signals_;
  nic::Device device_;
  clock::Discipline discipline_;
  Wiring wiring_;
  std::deque<TimedWorker> workers_;
  std::optional<exporter::Exporter> exporter_;
  measure::FigureReport report_{.mode = "rx", .environment = describe_host(), .cases = {}};
  RxTotals start_;
  std::vector<double> rates_, bytes_, records_, hops_, unfit_, cycles_, busy_;  // of each trial
  bool stopped_ = false;
  BenchProgress progress_;
};

}  // namespace

measure::FigureReport bench_rx(const BenchCommand& command, const Config& config,
                               Signals& signals) {
  return RxBench{command, config, signals}.run();
}

}  // namespace valinor::app
