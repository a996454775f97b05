/// A run on real interfaces: what is started, in which order, and stopped in the reverse one.
///
///   start  Redis asked > clock > BPF loaded, steering nothing > sockets, fill rings primed
///          > tap attached > rights dropped > exporter > tap > workers > steer > catalogue
///   stop   unsteer > workers drain and join > tap drains and joins > exporter drains, flushes,
///          joins > BPF detaches
///
/// Main thread. The workers and the exporter share nothing but the record rings and the counters.
#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "app/config.hpp"
#include "app/events.hpp"
#include "app/json_form.hpp"
#include "app/recovery.hpp"
#include "app/totals.hpp"
#include "app/wiring.hpp"
#include "base/time.hpp"
#include "clock/discipline.hpp"
#include "exporter/exporter.hpp"
#include "exporter/make_store.hpp"
#include "exporter/redis_access.hpp"
#include "exporter/redis_examination.hpp"
#include "tap/egress_tap.hpp"
#include "telemetry/record_ring.hpp"

namespace valinor::app {

class RunCatalogue;

class Runtime {
 public:
  /// Everything up to, not including, steering. `configuration`: print_effective() of it, for the
  /// catalogue. Throws Failure.
  Runtime(const Config& config, std::string configuration);
  ~Runtime();
  Runtime(const Runtime&) = delete;
  Runtime& operator=(const Runtime&) = delete;

  /// Steers, reports once per stats_interval, and stops on a signal or after run.duration.
  /// Answers `done`, or `records_lost`, or `internal_error` where the books do not balance.
  ExitStatus run(Signals& signals);

 private:
  struct Tap;  // tc egress: its record ring and thread

  void warn_of(const exporter::Sinks& sinks);
  [[nodiscard]] bool can_reopen() const;
  [[nodiscard]] std::string limit_rights() const;
  void print_start() const;
  void print_records() const;
  [[nodiscard]] HostTime now() const;
  void stop();
  [[nodiscard]] Counted counted() const;
  [[nodiscard]] ExitStatus close_books(const std::string& why,
                                       std::chrono::duration<double> elapsed, Json entry);

  Config config_;
  std::string configuration_;
  exporter::RedisAccess access_;
  exporter::Examination redis_;  // what its servers said
  clock::Discipline discipline_;
  Wiring wiring_;
  std::unique_ptr<Tap> tap_;
  std::unique_ptr<Recovery> recovery_;
  std::unique_ptr<RunCatalogue> catalogue_;
  std::string security_;  // what was dropped and what stays
  std::unique_ptr<exporter::Exporter> exporter_;
};

}  // namespace valinor::app
