#include "app/runtime.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdio>

#include "app/monotonic_offset.hpp"
#include "exporter/make_store.hpp"

namespace valinor::app {
namespace {

using packet_io::afxdp::OpenInterface;
using packet_io::afxdp::OtherTraffic;
using std::chrono::steady_clock;

/// How often the published clock is adjusted. Discipline asks for 100 to 250 ms.
constexpr std::chrono::milliseconds kAdjustInterval{200};

/// How long the store has for what is left, at the stop.
constexpr std::chrono::seconds kFlushPatience{10};

}  // namespace

struct Runtime::Tap {
  Tap(const Config& config, std::uint32_t id)
      : records{config.worker.record_ring_bytes},
        egress{config.tap, id, records, MonotonicOffset{config.clock}} {}

  telemetry::RecordRing records;
  tap::EgressTap egress;
};

Runtime::Runtime(const Config& config)
    : config_{config},
      discipline_{config.clock},
      wiring_{wire_up(config, discipline_.published())} {
  exporter::Exporter::Rings rings;
  for (const auto& lane : wiring_.lanes) rings.emplace_back(lane->records());
  if (!config_.tap.interfaces.empty()) {
    tap_ = std::make_unique<Tap>(config_, static_cast<std::uint32_t>(wiring_.lanes.size()));
    rings.emplace_back(tap_->records);
  }
  exporter_ = std::make_unique<exporter::Exporter>(
      config_.exporter, exporter::make_store(config_.exporter), std::move(rings));
}

Runtime::~Runtime() { stop(); }

void Runtime::print_start() const {
  fmt::print(stderr, "valinor-afxdp {}  run {}{}\n", VALINOR_VERSION, config_.exporter.key,
             config_.run.name.empty() ? "" : " \"" + config_.run.name + "\"");
  for (std::size_t i = 0; i < wiring_.interfaces.size(); ++i) {
    const OpenInterface& interface = *wiring_.interfaces[i];
    for (const auto& port : interface.ports()) {
      const std::string refusal = interface.refusal_of(*port);
      fmt::print(stderr, "  {:<10} {}, queue {} on {}: mode {} asked, {} obtained{}{}\n",
                 interface.interface().name, interface.interface().driver, port->queue().value(),
                 describe_cpu(*port), to_name(wiring_.asked[i]), to_name(interface.mode_of(*port)),
                 refusal.empty() ? "" : "; ", refusal);
    }
  }
  fmt::print(stderr, "  clock      {}\n", clock::to_text(discipline_.quality()));
  if (tap_) fmt::print(stderr, "  tap        {}\n", tap_->egress.program().describe());
  if (!wiring_.lanes.empty()) {
    const auto other = config_.other.value_or(
        pipeline::is_two_sided(config_.worker.role) ? OtherTraffic::forward : OtherTraffic::kernel);
    fmt::print(stderr, "  role       {}{}{}      other traffic -> {}\n",
               pipeline::to_name(config_.worker.role), config_.forward_to.empty() ? "" : " to ",
               config_.forward_to, to_name(other));
  }
  fmt::print(stderr, "  records    key {} -> {}\n", config_.exporter.key,
             config_.exporter.redis.enabled ? config_.exporter.redis.address.to_url()
                                            : "nowhere (export.redis.enabled is false)");
}

ExitStatus Runtime::run(Signals& signals) {
  const auto begin = steady_clock::now();
  if (tap_) tap_->egress.start();
  for (const auto& lane : wiring_.lanes) lane->start();
  for (const auto& interface : wiring_.interfaces) interface->steer();
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
    report.update(counted().live());
    if (why.empty() && steady_clock::now() >= end) why = "run.duration is over";
  }
  fmt::print("stopping: {}\n", why);
  std::fflush(stdout);
  Signals::exit_on_next();
  stop();
  return close_books();
}

void Runtime::stop() {
  for (const auto& interface : wiring_.interfaces) interface->unsteer();
  for (const auto& lane : wiring_.lanes) lane->ask_to_stop();
  for (const auto& lane : wiring_.lanes) lane->stop();
  if (tap_) tap_->egress.stop();
  if (exporter_) exporter_->stop(steady_clock::now() + kFlushPatience);
}

Counted Runtime::counted() const {
  return Counted{wiring_, tap_ ? &tap_->egress : nullptr, exporter_->stats()};
}

std::string Runtime::describe_cpu(const packet_io::afxdp::AfxdpPort& port) const {
  for (const auto& lane : wiring_.lanes) {
    const auto& ports = lane->ports();
    if (std::find(ports.begin(), ports.end(), &port) != ports.end() && lane->cpu()) {
      return fmt::format("CPU {}", lane->cpu()->value());
    }
  }
  return "any CPU";
}

ExitStatus Runtime::close_books() const {
  const Counted all = counted();
  fmt::print("{}", all.details());
  return print_books(all.frames(), all.records(), all.tapped());
}

}  // namespace valinor::app
