/// A run on real interfaces: what is started, in which order, and stopped in the reverse one.
///
///   start  clock > BPF loaded, steering nothing > sockets, fill rings primed > exporter > workers
///   > steer stop   unsteer > workers drain and join > exporter drains, flushes, joins > BPF
///   detaches
///
/// Main thread. The workers and the exporter share nothing but the record rings and the counters.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "app/books.hpp"
#include "app/config.hpp"
#include "app/events.hpp"
#include "app/live_report.hpp"
#include "clock/discipline.hpp"
#include "exporter/exporter.hpp"
#include "packet_io/afxdp/open_interface.hpp"
#include "pipeline/worker.hpp"
#include "telemetry/record_ring.hpp"

namespace valinor::app {

class Runtime {
 public:
  /// Everything up to, not including, steering. Throws Failure.
  explicit Runtime(const Config& config);
  ~Runtime();
  Runtime(const Runtime&) = delete;
  Runtime& operator=(const Runtime&) = delete;

  /// Steers, reports once per stats_interval, and stops on a signal or after run.duration.
  /// Answers `done`, or `records_lost`, or `internal_error` where the books do not balance.
  ExitStatus run(Signals& signals);

 private:
  using AfxdpWorker = pipeline::Worker<packet_io::afxdp::AfxdpPort>;
  struct Lane;  // one queue: its port, record ring, worker and thread

  void print_start() const;
  void stop();
  [[nodiscard]] LiveTotals live_totals() const;
  [[nodiscard]] FrameBooks frame_books() const;
  [[nodiscard]] RecordBooks record_books() const;
  [[nodiscard]] ExitStatus close_books(const std::string& why) const;

  Config config_;
  clock::Discipline discipline_;
  std::vector<std::unique_ptr<packet_io::afxdp::OpenInterface>> interfaces_;
  std::vector<std::unique_ptr<Lane>> lanes_;
  std::unique_ptr<exporter::Exporter> exporter_;
};

}  // namespace valinor::app
