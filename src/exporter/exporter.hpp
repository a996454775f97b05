/// Moves records from the workers' rings to a store, on a thread of its own.
///
///   RecordRing[0..n] --drain--> BatchQueue --submit--> RecordStore --poll--> counted
///                      (memory full: counted, dropped)      (away: waits in the BatchQueue)
///
/// Workers never wait for it, and it never waits for the store while rings have records: what the
/// store cannot take waits in memory up to a bound, and what exceeds the bound is lost and counted;
/// with WhenFull::wait it stays in the rings.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "exporter/batch_queue.hpp"
#include "exporter/config.hpp"
#include "exporter/exporter_stats.hpp"
#include "exporter/record_store.hpp"
#include "telemetry/record_ring.hpp"

namespace valinor::exporter {

class Exporter {
 public:
  using Clock = std::chrono::steady_clock;
  using Rings = std::vector<std::reference_wrapper<telemetry::RecordRing>>;

  /// Starts the thread. It is the consumer of every ring; the rings outlive the exporter.
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

  /// Any thread.
  [[nodiscard]] const ExporterStats& stats() const noexcept { return stats_; }

 private:
  void run(const std::stop_token& stop);
  void work(const std::stop_token& stop);
  void finish();
  void discard(const std::stop_token& stop);

  // One turn of the loop, in this order. drain() and settle() answer whether there was any work.
  bool drain();
  void submit();
  bool settle(std::chrono::milliseconds patience);
  void report();

  void take(const telemetry::RecordView& record);
  [[nodiscard]] bool is_full() const noexcept { return queue_.bytes() >= memory_bytes_; }
  [[nodiscard]] bool waits() const noexcept;
  void pause(const std::stop_token& stop);
  void count(const Outcome& outcome);
  std::size_t lose_rings(LossReason reason);
  void count_unflushed();
  void note_rejection(const Outcome& outcome, std::size_t records);

  const std::chrono::milliseconds interval_;  // an open batch is sent after it
  const std::chrono::milliseconds pause_;     // between two looks into empty rings
  const std::size_t memory_bytes_;
  std::atomic<WhenFull> when_full_;
  std::unique_ptr<RecordStore> store_;
  const std::string store_name_;
  Rings rings_;
  BatchQueue queue_;
  Clock::time_point open_since_{};  // of the open batch; valid while it holds records
  ExporterStats stats_;

  bool in_trouble_ = false;
  Clock::time_point trouble_since_{};
  std::uint64_t lost_before_trouble_ = 0;
  std::uint64_t most_waiting_ = 0;  // records, since the trouble began
  std::string last_rejection_;      // its first word: one log line for each kind

  std::exception_ptr failure_;  // the thread's; others read it once they have joined it
  std::atomic<bool> failed_{false};

  std::mutex mutex_;  // of deadline_, and for sleeping
  std::condition_variable_any wake_;
  Clock::time_point deadline_{};
  std::jthread thread_;  // last: it uses all of the above
};

}  // namespace valinor::exporter
