#include "app/replay.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <memory>
#include <stop_token>
#include <thread>

#include "app/books.hpp"
#include "app/events.hpp"
#include "app/patience.hpp"
#include "app/redis_admission.hpp"
#include "base/log.hpp"
#include "base/thread.hpp"
#include "clock/timebase.hpp"
#include "exporter/exporter.hpp"
#include "exporter/make_store.hpp"
#include "packet_io/replay/replay_port.hpp"
#include "pipeline/worker.hpp"

namespace valinor::app {
namespace {

using packet_io::replay::ReplayPort;
using std::chrono::steady_clock;
using Worker = pipeline::Worker<ReplayPort>;

/// A store that has stored nothing for so long, though records waited, is given up.
constexpr std::chrono::seconds kStorePatience{30};

/// Between two looks at how far things are.
constexpr std::chrono::milliseconds kTick{10};

/// How long a worker that is asked to end may take, if it is not waiting for input.
constexpr std::chrono::milliseconds kTurnPatience{500};

/// The worker's thread. Main thread.
class WorkerThread {
 public:
  WorkerThread(Worker& worker, std::stop_source& stop)
      : stop_{stop}, thread_{[this, &worker] {
          name_this_thread("replay");
          worker.run(stop_.get_token(), 0);
          ended_ = true;
        }} {}
  ~WorkerThread() { end(); }
  WorkerThread(const WorkerThread&) = delete;
  WorkerThread& operator=(const WorkerThread&) = delete;

  [[nodiscard]] bool ended() const noexcept { return ended_; }

  /// Asks it to end, and returns when it has.
  void end() {
    stop_.request_stop();
    const auto patient_until = steady_clock::now() + kTurnPatience;
    while (!ended_) {
      std::this_thread::sleep_for(kTick);
      // Where standard input is silent it is in read(2), which a signal breaks off.
      if (steady_clock::now() > patient_until) break_off_call(thread_.native_handle());
    }
  }

 private:
  std::stop_source& stop_;
  std::atomic<bool> ended_{false};
  std::jthread thread_;  // last: it uses the others
};

/// Of the store that has come least far; where there are several, each gets all records.
struct StoreProgress {
  std::uint64_t settled = ~std::uint64_t{0};
  std::uint64_t answered = ~std::uint64_t{0};
};

StoreProgress read_progress(const exporter::Exporter& exporter) {
  StoreProgress least;
  for (const exporter::ExporterTotals& group : exporter.totals()) {
    least.settled = std::min(least.settled, group.settled());
    least.answered = std::min(least.answered, group.answered());
  }
  return least;
}

/// Until all of the capture is stored, a store is given up, and with it the waiting for all of
/// them, or a signal comes: its name.
std::string wait_for_store(const WorkerThread& thread, const pipeline::WorkerStats& worker,
                           exporter::Exporter& exporter, Signals& signals) {
  Patience patience{kStorePatience, steady_clock::now()};
  bool gave_up = false;
  while (true) {
    if (std::string name = signals.wait(kTick); !name.empty()) return name;
    const bool ended = thread.ended();  // first: then what it produced is all there is
    const auto [settled, answered] = read_progress(exporter);
    const std::uint64_t produced = worker.records.value() - worker.records_ring_full.value();
    if (ended && settled == produced) return {};
    // What is lost after the store was given up is settled, but no sign of life.
    if (!patience.is_over(answered, settled != produced, steady_clock::now())) continue;
    if (ended) return {};
    if (gave_up) continue;
    gave_up = true;
    log::error("no record was stored for {} s; from here on, what finds the memory full is lost",
               kStorePatience.count());
    exporter.stop_waiting();
  }
}

FrameBooks make_frame_books(const pipeline::WorkerStats& stats) {
  FrameBooks books{.received = stats.received.value(),
                   .transmitted = stats.transmitted.value(),
                   .consumed = stats.consumed.value(),
                   .passed = stats.passed.value()};
  for (std::size_t i = 0; i < kDropReasons; ++i) books.dropped[i] = stats.dropped[i].value();
  return books;
}

void check_input(const ReplayPort& port, const std::string& in) {
  if (port.damage().empty()) return;
  throw Failure{
      ExitStatus::host_not_ready,
      {"PCAP-READ-01", "capture '" + in + "' is damaged; what came before is counted above",
       port.damage(), "capture again, or mend it:  editcap '" + in + "' mended.pcap"}};
}

void check_output(ReplayPort& port, const std::optional<std::string>& out) {
  if (port.output_complete()) return;
  throw Failure{ExitStatus::host_not_ready,
                {"PCAP-WRITE-02", "capture '" + out.value_or("") + "' is incomplete",
                 "writing to it failed", "df .    shows whether the disk is full"}};
}

}  // namespace

ExitStatus replay(const Config& config, const std::string& in,
                  const std::optional<std::string>& out) {
  Config patient = config;
  patient.exporter.when_full = exporter::WhenFull::wait;
  const exporter::RedisAccess access = access_for(patient.exporter.redis);
  for (const Finding& warning : admit_run(patient, access).warnings) {
    fmt::print(stderr, "{}", warning.to_text("warning"));
  }
  telemetry::RecordRing records{config.worker.record_ring_bytes};
  std::stop_source stop;
  ReplayPort port{in, out, [&] {
                    return stop.stop_requested() ? std::size_t{0}
                                                 : records.room(config.worker.max_hops);
                  }};
  Signals signals;  // not earlier: until the capture is open, Ctrl-C ends the program at once
  let_calls_be_broken_off();
  // Frames bring their own times, so the timebase is never asked.
  const clock::SharedTimebase timebase{clock::Timebase{}};
  // Of a two-sided role, what comes from the network; it leaves into the other capture.
  pipeline::RpcTable rpcs{config.worker.rpcs};
  const auto worker = std::make_unique<Worker>(
      config.worker, 0,
      std::vector<pipeline::Direction<ReplayPort>>{
          {.in = &port, .out = &port, .treatment = pipeline::from_network(config.worker.role)}},
      pipeline::WorkerContext{records, timebase, &rpcs});
  auto sinks = exporter::make_sinks(patient.exporter);  // before anything is deleted: it may fail
  overwrite_if_asked(patient.exporter, access);
  exporter::Exporter exporter{patient.exporter, std::move(sinks.parts), {records}};
  WorkerThread thread{*worker, stop};

  const std::string signal = wait_for_store(thread, worker->stats(), exporter, signals);
  if (!signal.empty()) {
    fmt::print("stopping: {}\n", signal);
    std::fflush(stdout);
    Signals::exit_on_next();
  }
  thread.end();
  exporter.stop(steady_clock::now() + (signal.empty() ? std::chrono::seconds{0} : kFlushPatience));

  const pipeline::WorkerStats& stats = worker->stats();
  const ExitStatus status = print_books(
      make_frame_books(stats),
      make_record_books(exporter.totals(), stats.records.value(), stats.records_ring_full.value()));
  exporter.throw_if_failed();
  if (signal.empty()) check_input(port, in);
  check_output(port, out);
  return status;
}

}  // namespace valinor::app
