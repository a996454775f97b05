#include "app/replay.hpp"

#include <fmt/format.h>

#include <chrono>
#include <cstdio>
#include <memory>
#include <stop_token>

#include "app/books.hpp"
#include "clock/timebase.hpp"
#include "exporter/exporter.hpp"
#include "exporter/make_store.hpp"
#include "packet_io/replay/replay_port.hpp"
#include "pipeline/worker.hpp"

namespace valinor::app {
namespace {

/// How long the store has for what is left, at the end of the capture.
constexpr std::chrono::seconds kFlushPatience{30};

FrameBooks make_frame_books(const pipeline::WorkerStats& stats) {
  FrameBooks books{.received = stats.received.value(),
                   .transmitted = stats.transmitted.value(),
                   .consumed = stats.consumed.value(),
                   .passed = stats.passed.value()};
  for (std::size_t i = 0; i < kDropReasons; ++i) books.dropped[i] = stats.dropped[i].value();
  return books;
}

}  // namespace

ExitStatus replay(const Config& config, const std::string& in,
                  const std::optional<std::string>& out) {
  using packet_io::replay::ReplayPort;
  ReplayPort port{in, out};
  telemetry::RecordRing records{config.worker.record_ring_bytes};
  // Frames bring their own times, so the timebase is never asked.
  const clock::SharedTimebase timebase{clock::Timebase{}};
  // Of a two-sided role, what comes from the network; it leaves into the other capture.
  pipeline::RpcTable rpcs{config.worker.rpcs};
  const auto worker = std::make_unique<pipeline::Worker<ReplayPort>>(
      config.worker, 0,
      std::vector<pipeline::Direction<ReplayPort>>{
          {.in = &port, .out = &port, .treatment = pipeline::from_network(config.worker.role)}},
      pipeline::WorkerContext{records, timebase, &rpcs});
  exporter::Exporter exporter{config.exporter, exporter::make_store(config.exporter), {records}};
  worker->run(std::stop_token{}, 0);
  exporter.stop(std::chrono::steady_clock::now() + kFlushPatience);

  const pipeline::WorkerStats& stats = worker->stats();
  const ExitStatus status = print_books(
      make_frame_books(stats),
      make_record_books(exporter.stats(), stats.records.value(), stats.records_ring_full.value()));
  if (!port.damage().empty()) {
    throw Failure{
        ExitStatus::host_not_ready,
        {"PCAP-READ-01", "capture '" + in + "' is damaged; what came before is counted above",
         port.damage(), "capture again, or mend it:  editcap '" + in + "' mended.pcap"}};
  }
  if (!port.output_complete()) {
    throw Failure{ExitStatus::host_not_ready,
                  {"PCAP-WRITE-02", "capture '" + out.value_or("") + "' is incomplete",
                   "writing to it failed", "df .    shows whether the disk is full"}};
  }
  return status;
}

}  // namespace valinor::app
