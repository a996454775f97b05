/// One store and all that waits for it, in memory and on disk.
///
///   take(record) -> [ queue ] ------ submit ------> RecordStore -> settled, counted
///                      |  memory full, or the store    ^
///                      |  away for a second            |
///                      +--> [ spill file ] --oldest----+
///
/// What is on disk is older than what waits in memory, and goes first. Every record that was taken
/// ends in exactly one counter of ExporterStats. The exporter's thread only, but stats().
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/time.hpp"
#include "exporter/batch_queue.hpp"
#include "exporter/config.hpp"
#include "exporter/exporter_stats.hpp"
#include "exporter/gaps.hpp"
#include "exporter/record_store.hpp"
#include "exporter/spill_file.hpp"
#include "telemetry/record.hpp"

namespace valinor::exporter {

/// What a sink is made of.
struct SinkParts {
  std::unique_ptr<RecordStore> store;
  std::optional<SpillFile> spill = std::nullopt;  // nothing: what exceeds the memory is lost
  /// Sinks of one name share the records among them; each name gets all of them.
  std::string group = {};
  /// So many sinks share the configured memory, each has an equal part.
  std::size_t sharers = 1;
  /// Which records are for this store; empty: all. For each record sinks are asked in their order.
  std::function<bool(const telemetry::RecordView&)> wants = {};
};

class Sink {
 public:
  using Clock = std::chrono::steady_clock;

  /// What `parts.spill` holds already is stored first, and counted as recovered.
  Sink(const ExporterConfig& config, SinkParts parts);
  Sink(const Sink&) = delete;
  Sink& operator=(const Sink&) = delete;

  [[nodiscard]] bool wants(const telemetry::RecordView& record) const {
    return !parts_.wants || parts_.wants(record);
  }

  /// Whether a record that is taken now would exceed the memory.
  [[nodiscard]] bool is_full() const noexcept { return queue_.bytes() >= memory_bytes_; }

  /// Takes one record, which has waited since `since` at most, or loses it where there is no room.
  /// Not received yet: what breaks off here stays in its ring.
  void take(const telemetry::RecordView& record, Clock::time_point since);

  /// All sinks have what they wanted of it: what was taken is received.
  void count_received() noexcept {
    stats_.received.add(taken_);
    taken_ = 0;
  }

  /// Gives the store what it can take now.
  void submit();

  /// Waits up to `patience` for answers; whether there was one.
  bool settle(std::chrono::microseconds patience);

  /// Shows the gauges, logs when the store went away, why, and when it came back, and takes what
  /// has waited for too long to the disk.
  void report();

  /// The time for stopping begins: the store is tried at once, and no batch waits to be filled.
  void hurry() { parts_.store->hurry(); }
  void seal() { queue_.seal(); }

  [[nodiscard]] std::size_t in_flight() const noexcept { return queue_.in_flight(); }
  /// Whether there are batches that the store has not taken yet.
  [[nodiscard]] bool has_waiting() const noexcept { return queue_.has_waiting(); }
  /// Whether all that was taken is stored, or lost.
  [[nodiscard]] bool is_done() const noexcept {
    return queue_.records() == 0 && queue_.in_flight() == 0 &&
           (!parts_.spill || parts_.spill->records() == 0);
  }

  /// The time for stopping is over: what is left goes to the disk, or is lost.
  void close();

  /// After an exception: counts what is in memory as exporter_failed. Allocates nothing.
  void give_up() noexcept;
  void lose(LossReason reason, std::uint64_t records) noexcept {
    stats_.received.add(records);
    stats_.lost_by(reason).add(records);
  }

  /// Any thread.
  [[nodiscard]] const ExporterStats& stats() const noexcept { return stats_; }
  [[nodiscard]] const std::string& group() const noexcept { return parts_.group; }

  /// The store's name, and where records were lost for want of room. After close().
  [[nodiscard]] const std::string& name() const noexcept { return name_; }
  [[nodiscard]] const Gaps& gaps() const noexcept { return gaps_; }

 private:
  [[nodiscard]] std::uint64_t on_disk() const noexcept {
    return parts_.spill ? parts_.spill->records() : 0;
  }
  [[nodiscard]] bool make_room();
  [[nodiscard]] bool spill_oldest();
  void spill_all();
  void load_oldest();
  void name_batch(Batch& batch);
  void count(const Outcome& outcome);
  [[nodiscard]] Batch take_settled();
  void note_rejection(const Outcome& outcome, std::size_t records);
  void note_loss(const telemetry::RecordView& record);
  void end_gap();
  void note_reason(const std::string& trouble);

  const std::chrono::milliseconds interval_;  // an open batch is sent once a record waited so long
  const std::size_t memory_bytes_;
  SinkParts parts_;
  const std::string name_;
  BatchQueue queue_;
  Clock::time_point open_since_{};   // its first record waits; valid while the open batch has any
  Clock::time_point spill_again_{};  // after an error of the disk
  std::uint64_t taken_ = 0;          // and not counted as received yet
  LossReason no_room_ = LossReason::memory_full;  // why take() loses records now
  std::optional<Gap> gap_;                        // that is not over
  Gaps gaps_;                                     // that are
  ExporterStats stats_;

  bool in_trouble_ = false;
  bool answered_ = false;             // for good, since the store last had any
  bool spills_ = false;               // because of it
  std::vector<std::string> reasons_;  // for it that were logged
  Clock::time_point trouble_since_{};
  std::uint64_t lost_before_trouble_ = 0;
  std::uint64_t most_waiting_ = 0;  // records, since the trouble began
  std::string last_rejection_;      // its first word: one log line for each kind
};

}  // namespace valinor::exporter
