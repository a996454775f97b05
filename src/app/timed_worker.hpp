/// A worker of role collect on the port of a lane, in place of the lane's own, which says how long
/// it had work.
#pragma once

#include <cstddef>
#include <cstdint>
#include <thread>

#include "app/config.hpp"
#include "app/lane.hpp"
#include "base/counter.hpp"
#include "clock/phc_discipline.hpp"
#include "clock/timebase.hpp"
#include "pipeline/worker.hpp"

namespace valinor::app {

/// Main thread; the worker runs between start() and stop().
class TimedWorker {
 public:
  using Port = packet_io::afxdp::AfxdpPort;

  /// `lane` is not started, has one port, and outlives this, as clocks do.
  TimedWorker(const Config& config, Lane& lane, const clock::SharedTimebase& timebase,
              const clock::PhcDiscipline* nic_clock, packet_io::afxdp::PollMode poll);
  ~TimedWorker() { stop(); }
  TimedWorker(const TimedWorker&) = delete;
  TimedWorker& operator=(const TimedWorker&) = delete;

  void start();

  /// Receives what is left, and ends.
  void stop();

  [[nodiscard]] const pipeline::WorkerStats& stats() const noexcept { return worker_.stats(); }
  [[nodiscard]] const Port& port() const noexcept { return port_; }

  /// Ticks of the TSC in turns that received something. Any thread.
  [[nodiscard]] std::uint64_t busy_ticks() const noexcept { return busy_ticks_.value(); }

 private:
  bool turn() noexcept;
  void run(const std::stop_token& stop) noexcept;

  Lane& lane_;
  Port& port_;
  std::size_t spin_;
  pipeline::Worker<Port> worker_;
  Counter busy_ticks_;
  std::jthread thread_;
};

}  // namespace valinor::app
