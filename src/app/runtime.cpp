#include "app/runtime.hpp"

#include <fmt/format.h>
#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <iterator>
#include <nlohmann/json.hpp>
#include <utility>

#include "app/catalogue_entry.hpp"
#include "app/json_events.hpp"
#include "app/patience.hpp"
#include "app/privileges.hpp"
#include "app/redis_admission.hpp"
#include "app/run_catalogue.hpp"
#include "app/service_manager.hpp"
#include "app/system_calls.hpp"
#include "clock/kernel_offset.hpp"
#include "clock/tsc.hpp"
#include "exporter/make_store.hpp"

namespace valinor::app {
namespace {

using packet_io::afxdp::OpenInterface;
using packet_io::afxdp::OtherTraffic;
using std::chrono::steady_clock;

/// How often the published clock is adjusted. Discipline asks for 100 to 250 ms.
constexpr std::chrono::milliseconds kAdjustInterval{200};

/// How long frames handed to the kernel may take to leave, at the stop: of all workers together.
constexpr std::chrono::seconds kTransmitPatience{1};

/// Set-up has lifted the limit where it might.
bool memory_lock_is_limited() {
  rlimit limit{};
  return ::getrlimit(RLIMIT_MEMLOCK, &limit) != 0 || limit.rlim_cur != RLIM_INFINITY;
}

std::string describe(std::optional<CpuId> cpu) {
  return cpu ? fmt::format("CPU {}", cpu->value()) : "any CPU";
}

}  // namespace

struct Runtime::Tap {
  Tap(const Config& config, std::uint32_t id)
      : records{config.worker.record_ring_bytes},
        egress{config.tap, id, records,
               clock::KernelOffset{clock::ClockName::monotonic, config.clock}} {}

  telemetry::RecordRing records;
  tap::EgressTap egress;
};

Runtime::Runtime(const Config& config, std::string configuration)
    : config_{config},
      configuration_{std::move(configuration)},
      access_{access_for(config.exporter.redis)},
      redis_{admit_run(config_, access_)},
      discipline_{config.clock},
      wiring_{wire_up(config, discipline_.published())} {
  exporter::Exporter::Rings rings;
  for (const auto& lane : wiring_.lanes) rings.emplace_back(lane->records());
  if (!config_.tap.interfaces.empty()) {
    tap_ = std::make_unique<Tap>(config_, static_cast<std::uint32_t>(wiring_.lanes.size()));
    rings.emplace_back(tap_->records);
  }
  recovery_ = std::make_unique<Recovery>(wiring_, can_reopen());
  exporter::Sinks sinks = exporter::make_sinks(config_.exporter);
  warn_of(sinks);
  catalogue_ = std::make_unique<RunCatalogue>(
      config_, access_,
      RunCatalogue::Setting{.record_file = sinks.file, .examine_later = !redis_.away.empty()});
  std::ranges::copy(catalogue_->warnings(), std::back_inserter(wiring_.warnings));
  security_ = limit_rights();  // before the first thread starts, which is the exporter's
  overwrite_if_asked(config_.exporter, access_);
  exporter_ = std::make_unique<exporter::Exporter>(config_.exporter, std::move(sinks.parts),
                                                   std::move(rings));
}

Runtime::~Runtime() { stop(); }

void Runtime::warn_of(const exporter::Sinks& sinks) {
  std::ranges::copy(redis_.warnings, std::back_inserter(wiring_.warnings));
  if (!sinks.no_spill.empty()) {
    wiring_.warnings.push_back(
        {.code = "SPILL-OPEN-01",
         .what = "records cannot wait on disk while the store is away",
         .why = sinks.no_spill,
         .next = "export.buffer.spill.dir: /another/folder    or, to lose what exceeds the memory "
                 "without this warning:  export.buffer.on_full: drop_newest"});
  }
  for (const std::string& warning : sinks.warnings) {
    wiring_.warnings.push_back({.code = "SPILL-OTHER-01",
                                .what = "a file of an earlier run is left as it is",
                                .why = warning,
                                .next = "start once with that run's export.redis and run.key, or "
                                        "remove the file"});
  }
}

bool Runtime::can_reopen() const { return config_.security.reopen && !wiring_.lanes.empty(); }

std::string Runtime::limit_rights() const {
  std::vector<Capability> needs;
  const bool tap_goes = tap_ && tap_->egress.program().needs_net_admin_to_detach();
  const bool nics_go_back =
      std::ranges::any_of(wiring_.settings, [](const auto& one) { return one->has_changed_nic(); });
  if (tap_goes || nics_go_back) needs.push_back(Capability::net_admin);
  if (can_reopen()) {
    needs.push_back(Capability::net_raw);
    if (memory_lock_is_limited()) needs.push_back(Capability::ipc_lock);
  }
  const std::string dropped = drop_privileges(config_.security, needs);
  if (!config_.security.seccomp) return dropped + "; system calls are not limited";
  const bool clocks =
      std::ranges::any_of(wiring_.times, [](const auto& time) { return time->clock() != nullptr; });
  limit_system_calls({.open_interfaces = can_reopen(),
                      .nic_clocks = clocks,
                      .nic_settings = nics_go_back,
                      .spill = config_.exporter.when_full == exporter::WhenFull::spill});
  return dropped + "; system calls are limited";
}

void Runtime::print_start() const {
  fmt::print(stderr, "valinor-afxdp {}  run {}{}\n", VALINOR_VERSION, config_.exporter.key,
             config_.run.name.empty() ? "" : " \"" + config_.run.name + "\"");
  for (std::size_t i = 0; i < wiring_.interfaces.size(); ++i) {
    const OpenInterface& interface = *wiring_.interfaces[i];
    for (const auto& port : interface.ports()) {
      const std::string refusal = interface.refusal_of(*port);
      fmt::print(stderr, "  {:<10} {}, queue {} on {}: mode {} asked, {}{} obtained{}{}{}\n",
                 interface.interface().name, interface.interface().driver, port->queue().value(),
                 describe(wiring_.cpu_of(*port)), to_name(wiring_.asked[i]),
                 interface.has_filter_on_nic() ? "filter on the NIC and " : "",
                 to_name(interface.mode_of(*port)), OpenInterface::extras_of(*port),
                 refusal.empty() ? "" : "; ", refusal);
    }
  }
  for (const auto& settings : wiring_.settings) {
    if (settings->description().empty()) continue;
    fmt::print(stderr, "  settings   {}: {}\n", settings->nic().device().name(),
               settings->description());
  }
  for (const auto& pools : wiring_.pools) {
    fmt::print(stderr, "  memory     {}\n", packet_io::afxdp::describe(pools));
  }
  fmt::print(stderr, "  clock      {}\n", clock::to_text(discipline_.quality()));
  for (std::size_t i = 0; i < wiring_.times.size(); ++i) {
    const OpenInterface& interface = *wiring_.interfaces[i];
    fmt::print(stderr, "  time       {}: {}\n", interface.interface().name,
               wiring_.times[i]->describe());
    const auto& port = *interface.ports().front();
    if (!port.transmit_refusal().empty()) {
      fmt::print(stderr, "             {}: no times of leaving: {}\n", interface.interface().name,
                 port.transmit_refusal());
    }
  }
  if (tap_) fmt::print(stderr, "  tap        {}\n", tap_->egress.program().describe());
  if (!wiring_.lanes.empty()) {
    const auto other = config_.other.value_or(
        pipeline::is_two_sided(config_.worker.role) ? OtherTraffic::forward : OtherTraffic::kernel);
    fmt::print(stderr, "  role       {}{}{}      other traffic -> {}\n",
               pipeline::to_name(config_.worker.role), config_.forward_to.empty() ? "" : " to ",
               config_.forward_to, to_name(other));
  }
  print_records();
  fmt::print(stderr, "  security   {}\n", security_);
  for (const Finding& warning : wiring_.warnings) {
    fmt::print(stderr, "{}", warning.to_text("warning"));
  }
}

void Runtime::print_records() const {
  fmt::print(stderr, "  records    key {} -> {}\n", config_.exporter.key,
             config_.exporter.redis.enabled ? config_.exporter.redis.describe()
                                            : "nowhere (export.redis.enabled is false)");
  for (const std::string& line : redis_.lines) fmt::print(stderr, "  redis      {}\n", line);
  if (!redis_.away.empty()) {
    fmt::print(stderr, "  redis      not there yet; what is in it is looked at later\n");
  }
  const std::string catalogue = catalogue_->describe();
  if (!catalogue.empty()) fmt::print(stderr, "  catalogue  {}\n", catalogue);
}

HostTime Runtime::now() const { return discipline_.published().load().to_host(clock::read_tsc()); }

ExitStatus Runtime::run(Signals& signals) {
  const auto begin = steady_clock::now();
  if (tap_) tap_->egress.start();
  for (const auto& lane : wiring_.lanes) lane->start();
  for (const auto& interface : wiring_.interfaces) interface->steer();
  print_start();
  fmt::print(stderr, "ready. Ctrl-C drains and stops.\n");
  const bool json = config_.observe.output == Output::json;
  if (json) tell_start(config_, wiring_);
  Json entry = begin_entry(config_, configuration_, wiring_, discipline_.quality(), now());
  catalogue_->begin(entry);
  ServiceManager service;
  service.tell_ready(fmt::format("run {}, {} workers", config_.exporter.key, wiring_.lanes.size()));

  LiveReport report{config_.observe.stats_interval, config_.observe.output};
  const auto end = config_.run.duration.count() == 0 ? steady_clock::time_point::max()
                                                     : begin + config_.run.duration;
  std::string why;
  while (why.empty()) {
    const auto next = std::min({report.due(), end, steady_clock::now() + kAdjustInterval});
    why = signals.wait(std::chrono::ceil<std::chrono::milliseconds>(
                           std::max(next - steady_clock::now(), steady_clock::duration::zero())),
                       recovery_->fd());
    recovery_->check();
    discipline_.adjust();
    for (const auto& time : wiring_.times) time->adjust();
    service.tell_alive();
    report.update(counted().live());
    if (why.empty() && steady_clock::now() >= end) why = "run.duration is over";
    if (why.empty() && exporter_->failed()) why = "the exporter failed";
  }
  service.tell_stopping(why);
  if (json) tell_stopping(why);
  fmt::print(json ? stderr : stdout, "stopping: {}\n", why);
  std::fflush(stdout);
  const auto elapsed = steady_clock::now() - begin;
  Signals::exit_on_next();
  stop();
  return close_books(why, elapsed, std::move(entry));
}

void Runtime::stop() {
  for (const auto& interface : wiring_.interfaces) interface->unsteer();
  const auto deadline = steady_clock::now() + kTransmitPatience;
  for (const auto& lane : wiring_.lanes) lane->ask_to_stop(deadline);
  for (const auto& lane : wiring_.lanes) lane->join();
  if (tap_) tap_->egress.stop();
  if (exporter_) exporter_->stop(steady_clock::now() + kFlushPatience);
}

Counted Runtime::counted() const {
  return Counted{wiring_, tap_ ? &tap_->egress : nullptr, exporter_->totals()};
}

ExitStatus Runtime::close_books(const std::string& why, std::chrono::duration<double> elapsed,
                                Json entry) {
  const Counted all = counted();
  const bool json = config_.observe.output == Output::json;
  std::FILE* const out = json ? stderr : stdout;
  fmt::print(out, "{}", all.details(elapsed));
  const std::string losses = recovery_->describe();
  if (!losses.empty()) fmt::print(out, "links    {}\n", losses);
  const clock::ClockQuality quality = discipline_.quality();
  if (quality.steps != 0) fmt::print(out, "clock    {}\n", clock::to_text(quality));
  const ExitStatus status = json ? tell_books(all.frames(), all.records(), all.tapped(), elapsed)
                                 : print_books(all.frames(), all.records(), all.tapped());
  std::fflush(out);
  end_entry(entry,
            {.why = why, .at = now(), .elapsed = elapsed, .status = status, .lost_links = losses},
            all, exporter_->gaps(), quality);
  catalogue_->end(entry);
  exporter_->throw_if_failed();
  return status;
}

}  // namespace valinor::app
