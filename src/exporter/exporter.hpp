/// Moves records from the workers' rings to stores, on a thread of its own.
///
///   RecordRing[0..n] --drain--> Sink[0..m], each with its store, memory, room on disk and counters
///
/// Workers never wait for it, and it never waits for a store while rings have records: what a store
/// cannot take waits in its sink. With WhenFull::wait records stay in the rings while a sink is
/// full.
#pragma once

#include <atomic>
#include <chrono>
#include <deque>
#include <exception>
#include <functional>
#include <memory>
#include <thread>
#include <vector>

#include "base/wake_event.hpp"
#include "exporter/config.hpp"
#include "exporter/exporter_stats.hpp"
#include "exporter/gaps.hpp"
#include "exporter/record_store.hpp"
#include "exporter/sink.hpp"
#include "telemetry/record_ring.hpp"

namespace valinor::exporter {

class Exporter {
 public:
  using Clock = std::chrono::steady_clock;
  using Rings = std::vector<std::reference_wrapper<telemetry::RecordRing>>;

  /// Starts the thread. It is the consumer of every ring; the rings outlive the exporter. Records
  /// go to every sink that wants them.
  Exporter(const ExporterConfig& config, std::vector<SinkParts> sinks, Rings rings);

  /// With one store, and no room on disk.
  Exporter(const ExporterConfig& config, std::unique_ptr<RecordStore> store, Rings rings);

  /// As stop() without any time to store what is left.
  ~Exporter();

  Exporter(const Exporter&) = delete;
  Exporter& operator=(const Exporter&) = delete;

  /// Empties the rings, stores what it can until `deadline`, counts the rest as lost and joins the
  /// thread. A store that is away is tried again at once. Call when no producer publishes any more.
  /// A second call does nothing. Not for two threads at a time.
  void stop(Clock::time_point deadline);

  /// From now on WhenFull::lose, whatever was configured. Any thread.
  void stop_waiting() noexcept;

  /// Whether an exception has ended the storing. The thread goes on emptying the rings and counts
  /// all that it held and takes as `exporter_failed`. Any thread.
  [[nodiscard]] bool failed() const noexcept { return failed_.load(std::memory_order_relaxed); }

  /// Throws Failure (EXPORT-FAIL-01) if failed(). After stop().
  void throw_if_failed() const;

  /// Of each group of sinks, in the order of their making. Any thread.
  [[nodiscard]] std::vector<ExporterTotals> totals() const;

  /// Where records were lost for want of room. After stop().
  [[nodiscard]] std::vector<StoreGaps> gaps() const;

  /// Of the first sink. Any thread.
  [[nodiscard]] const ExporterStats& stats() const noexcept { return sinks_.front().stats(); }

 private:
  void run(const std::stop_token& stop);
  void work(const std::stop_token& stop);
  void finish();
  void discard(const std::stop_token& stop);

  // One turn of the loop, in this order. drain() answers how many records there were, settle()
  // whether there was any work.
  std::size_t drain();
  void submit();
  bool settle(std::chrono::microseconds patience);
  void report();

  void take(const telemetry::RecordView& record);
  [[nodiscard]] bool waits() const noexcept;
  [[nodiscard]] bool is_idle() const noexcept;
  [[nodiscard]] std::chrono::microseconds next_pause(Clock::time_point now) const noexcept;
  void pause(std::chrono::microseconds length) noexcept;
  void lose_rings(LossReason reason);

  const std::chrono::milliseconds pause_;     // between two looks into empty rings, at most
  const std::chrono::milliseconds patience_;  // the same while a store is waited for
  std::atomic<WhenFull> when_full_;
  std::deque<Sink> sinks_;
  Rings rings_;

  // The thread's: when it looked into the rings last, when its last pause began, and what each ring
  // had since.
  Clock::time_point looked_ = Clock::now();
  Clock::time_point pause_began_ = looked_;
  std::vector<std::size_t> drained_bytes_;

  std::exception_ptr failure_;  // the thread's; others read it once they have joined it
  std::atomic<bool> failed_{false};

  Clock::time_point deadline_{};  // the thread's once it is to stop
  WakeEvent wake_;
  std::jthread thread_;  // last: it uses all of the above
};

}  // namespace valinor::exporter
