/// The records that no store has acknowledged yet, cut into batches.
///
///   add() -> [ open ] -> seal -> [ waiting ... ] -> submit_next() -> [ in flight ... ] -> settle
///                                     ^                                  |
///                                     +----- return_oldest/_all() -------+
///
/// A store takes batches in the order in which they were sealed, except those it sent back: they
/// wait in front of all others, in no order among themselves. For one thread.
#pragma once

#include <cstddef>
#include <deque>
#include <optional>

#include "exporter/record_store.hpp"

namespace valinor::exporter {

class BatchQueue {
 public:
  /// A batch is sealed by itself when it holds `batch_records`.
  explicit BatchQueue(std::size_t batch_records) : batch_records_{batch_records} {}

  /// Adds one record to the open batch; `encode` appends its row to the vector it is given.
  template <class Encode>
  void add(Encode&& encode) {
    const std::size_t before = open_.rows.size();
    encode(open_.rows);
    bytes_ += open_.rows.size() - before;
    ++records_;
    if (++open_.records >= batch_records_) seal();
  }

  /// Ends the open batch, if it holds a record: it waits now.
  void seal();

  [[nodiscard]] bool has_open() const noexcept { return open_.records != 0; }
  [[nodiscard]] bool has_waiting() const noexcept { return in_flight_ < batches_.size(); }
  [[nodiscard]] std::size_t in_flight() const noexcept { return in_flight_; }

  /// Records and bytes of rows in all batches that are in memory alone, the open one included.
  [[nodiscard]] std::size_t records() const noexcept { return records_; }
  [[nodiscard]] std::size_t bytes() const noexcept { return bytes_; }

  /// The first waiting batch, in flight from now on. Only if has_waiting(). The reference is good
  /// until the next call.
  [[nodiscard]] Batch& submit_next();

  /// Puts a batch, read from a SpillFile, in front of all that wait.
  void insert_next(Batch batch);

  /// Whether the first waiting batch is from a SpillFile.
  [[nodiscard]] bool is_next_spilled() const noexcept {
    return has_waiting() && batches_[in_flight_].spilled != 0;
  }

  /// Takes out the oldest waiting batch that is in memory alone; nothing: there is none.
  [[nodiscard]] std::optional<Batch> take_waiting();

  /// Takes out the oldest batch in flight: its fate is known.
  [[nodiscard]] Batch settle_oldest();

  /// Lets the oldest batch in flight wait again: it was refused as a whole.
  void return_oldest();

  /// The same, as one that was never sent.
  void return_oldest_as_new();

  /// Lets all batches in flight wait again. Whether they were stored is not known.
  void return_all();

  /// Forgets all records.
  void clear() noexcept;

 private:
  std::size_t batch_records_;
  std::size_t reserve_bytes_ = 0;  // what the last batch needed
  Batch open_;
  std::deque<Batch> batches_;  // in flight first, then waiting
  std::size_t in_flight_ = 0;
  std::size_t records_ = 0;
  std::size_t bytes_ = 0;
};

}  // namespace valinor::exporter
