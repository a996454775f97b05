#include "app/runtime.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <limits>
#include <optional>

#include "app/cpu_plan.hpp"
#include "base/thread.hpp"
#include "exporter/make_store.hpp"

namespace valinor::app {
namespace {

using packet_io::afxdp::AfxdpPort;
using packet_io::afxdp::OpenInterface;
using packet_io::afxdp::PollMode;
using std::chrono::steady_clock;

/// How often the published clock is adjusted. Discipline asks for 100 to 250 ms.
constexpr std::chrono::milliseconds kAdjustInterval{200};

/// Idle turns before a worker sleeps in `auto`: about 0.1 ms. Fewer: at some 10 kpps every packet
/// pays a wake-up. More: an idle queue burns its core.
constexpr std::size_t kSpinTurns = 1000;

/// How long frames handed to the kernel may take to leave, at the stop.
constexpr std::chrono::seconds kTransmitPatience{1};

/// How long the store has for what is left, at the stop.
constexpr std::chrono::seconds kFlushPatience{10};

std::size_t spin_turns(PollMode mode) noexcept {
  switch (mode) {
    case PollMode::busy: return std::numeric_limits<std::size_t>::max();
    case PollMode::wakeup: return 0;
    case PollMode::automatic: return kSpinTurns;
  }
  return kSpinTurns;
}

}  // namespace

/// Members in the order in which they are used: the thread uses the worker, which uses the ring.
struct Runtime::Lane {
  Lane(const Config& config, std::uint32_t id, AfxdpPort& its_port, std::string thread_name,
       std::optional<CpuId> its_cpu, PollMode poll, const clock::SharedTimebase& timebase)
      : port{its_port},
        records{config.worker.record_ring_bytes},
        worker{config.worker, id, port, records, timebase},
        name{std::move(thread_name)},
        cpu{its_cpu},
        spin{spin_turns(poll)} {}

  void start() {
    thread = std::jthread{[this](const std::stop_token& stop) {
      name_this_thread(name);
      if (cpu) pin_this_thread(*cpu);
      worker.run(stop, spin);
      port.finish(steady_clock::now() + kTransmitPatience);
    }};
  }

  void stop() {
    thread.request_stop();
    port.wake_up();
    if (thread.joinable()) thread.join();
  }

  AfxdpPort& port;
  telemetry::RecordRing records;
  AfxdpWorker worker;
  std::string name;
  std::optional<CpuId> cpu;
  std::size_t spin;
  std::jthread thread;
};

Runtime::Runtime(const Config& config) : config_{config}, discipline_{config.clock} {
  std::uint32_t id = 0;
  for (const auto& wanted : config_.interfaces) {
    interfaces_.push_back(std::make_unique<OpenInterface>(wanted, config_.worker.match));
    const auto& ports = interfaces_.back()->ports();
    const auto cpus = plan_cpus(wanted, ports.size());
    for (std::size_t i = 0; i < ports.size(); ++i) {
      lanes_.push_back(std::make_unique<Lane>(
          config_, id++, *ports[i], fmt::format("{}/{}", wanted.name, ports[i]->queue().value()),
          cpus[i], wanted.poll, discipline_.published()));
    }
  }
  exporter::Exporter::Rings rings;
  for (const auto& lane : lanes_) rings.emplace_back(lane->records);
  exporter_ = std::make_unique<exporter::Exporter>(
      config_.exporter, exporter::make_store(config_.exporter), std::move(rings));
}

Runtime::~Runtime() { stop(); }

void Runtime::print_start() const {
  fmt::print(stderr, "valinor-afxdp {}  run {}{}\n", VALINOR_VERSION, config_.exporter.key,
             config_.run.name.empty() ? "" : " \"" + config_.run.name + "\"");
  std::size_t lane = 0;
  for (std::size_t i = 0; i < interfaces_.size(); ++i) {
    const OpenInterface& interface = *interfaces_[i];
    for (const auto& port : interface.ports()) {
      const auto cpu = lanes_[lane++]->cpu;
      const std::string refusal = interface.refusal_of(*port);
      fmt::print(stderr, "  {:<10} {}, queue {} on {}: mode {} asked, {} obtained{}{}\n",
                 interface.interface().name, interface.interface().driver, port->queue().value(),
                 cpu ? "CPU " + std::to_string(cpu->value()) : "any CPU",
                 to_name(config_.interfaces[i].mode), to_name(interface.mode_of(*port)),
                 refusal.empty() ? "" : "; ", refusal);
    }
  }
  fmt::print(stderr, "  clock      {}\n", clock::to_text(discipline_.quality()));
  fmt::print(stderr, "  role       {}      other traffic -> kernel\n",
             pipeline::to_name(config_.worker.role));
  fmt::print(stderr, "  records    key {} -> {}\n", config_.exporter.key,
             config_.exporter.redis.enabled ? config_.exporter.redis.address.to_url() : "nowhere");
}

ExitStatus Runtime::run(Signals& signals) {
  const auto begin = steady_clock::now();
  for (const auto& lane : lanes_) lane->start();
  for (const auto& interface : interfaces_) interface->steer();
  print_start();
  fmt::print(stderr, "ready. Ctrl-C drains and stops.\n");

  LiveReport report{config_.observe.stats_interval};
  const auto end = config_.run.duration.count() == 0 ? steady_clock::time_point::max()
                                                     : begin + config_.run.duration;
  std::string why;
  while (why.empty()) {
    const auto next = std::min({report.due(), end, steady_clock::now() + kAdjustInterval});
    why = signals.wait(std::chrono::ceil<std::chrono::milliseconds>(
        std::max(next - steady_clock::now(), steady_clock::duration::zero())));
    discipline_.adjust();
    report.update(live_totals());
    if (why.empty() && steady_clock::now() >= end) why = "run.duration is over";
  }
  Signals::exit_on_next();
  stop();
  return close_books(why);
}

void Runtime::stop() {
  for (const auto& interface : interfaces_) interface->unsteer();
  for (const auto& lane : lanes_) lane->stop();
  if (exporter_) exporter_->stop(steady_clock::now() + kFlushPatience);
}

LiveTotals Runtime::live_totals() const {
  LiveTotals totals;
  for (const auto& lane : lanes_) {
    const pipeline::WorkerStats& stats = lane->worker.stats();
    totals.received += stats.received.value();
    totals.transmitted += lane->port.counters().sent();
    totals.records += stats.records.value();
    totals.hops += stats.hops.value();
    totals.lost += stats.records_ring_full.value();
    for (const Counter& counter : stats.dropped) totals.dropped += counter.value();
  }
  const exporter::ExporterStats& stats = exporter_->stats();
  totals.stored = stats.stored.value() + stats.collapsed.value();
  totals.backlog = stats.pending.load();
  totals.lost += stats.all_lost();
  return totals;
}

FrameBooks Runtime::frame_books() const {
  FrameBooks books;
  for (const auto& interface : interfaces_) {
    const auto decisions = interface->program().decisions();
    books.received += decisions.total();
    books.passed += decisions.total() - decisions.redirected();
  }
  for (const auto& lane : lanes_) {
    const pipeline::WorkerStats& stats = lane->worker.stats();
    books.consumed += stats.consumed.value();
    for (std::size_t i = 0; i < kDropReasons; ++i) books.dropped[i] += stats.dropped[i].value();
    const auto& port = lane->port.counters();
    books.transmitted += port.sent();
    books.dropped_by(DropReason::tx_refused) += port.refused();
    books.dropped_by(DropReason::tx_unfinished) += port.unfinished.value();
    const auto kernel = lane->port.kernel_statistics();
    books.dropped_by(DropReason::rx_ring_full) += kernel.rx_ring_full;
    books.dropped_by(DropReason::rx_no_frame) += kernel.rx_dropped;
  }
  return books;
}

RecordBooks Runtime::record_books() const {
  std::uint64_t produced = 0;
  std::uint64_t ring_full = 0;
  for (const auto& lane : lanes_) {
    produced += lane->worker.stats().records.value();
    ring_full += lane->worker.stats().records_ring_full.value();
  }
  return make_record_books(exporter_->stats(), produced, ring_full);
}

ExitStatus Runtime::close_books(const std::string& why) const {
  fmt::print("stopping: {}\n", why);
  return print_books(frame_books(), record_books());
}

}  // namespace valinor::app
