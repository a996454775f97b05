/// Where records end up. The Exporter cuts the stream of records into batches and keeps each one
/// until its store has acknowledged it; a store encodes rows and moves batches, nothing more.
///
///   Exporter: encode() rows into the open batch ... submit(batch) ... poll() -> outcome, oldest
///   first
///
/// All calls come from the exporter's thread.
#pragma once

#include <chrono>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "telemetry/record.hpp"

namespace valinor::exporter {

/// What a store calls a batch from the time that it is sent, where that name is how it finds out
/// later whether it has the batch. All 0: nothing.
struct BatchId {
  std::uint64_t high = 0, low = 0;
  [[nodiscard]] explicit operator bool() const noexcept { return (high | low) != 0; }
  friend auto operator<=>(const BatchId&, const BatchId&) = default;
};

/// Records on their way: rows as the store's encode() wrote them.
struct Batch {
  std::vector<std::byte> rows;
  std::size_t records = 0;
  bool maybe_stored = false;  // submitted before, and the link went before an answer came
  std::uint64_t spilled = 0;  // it is in a SpillFile under this name; 0: it is in memory alone
  BatchId id{};               // it was sent under it, and may be stored
};

/// What became of the oldest batch submitted.
struct Outcome {
  enum class Kind {
    stored,    // acknowledged: `collapsed` of its records were in the store already
    refused,   // not stored, but may be later: submit it again when ready(); trouble() says why
    rejected,  // not stored, and the store will never take it; `reason` says why
    absent,    // sent before, and not there: submit it again as one that never was
    lost_link  // the connection went; nothing submitted and unanswered is known to be stored
  };
  Kind kind = Kind::stored;
  std::uint64_t collapsed = 0;
  std::uint64_t unsure = 0;  // of those stored: may have been in the store before the first attempt
  std::string reason;
};

class RecordStore {
 public:
  virtual ~RecordStore() = default;

  /// "redis unix:///run/redis.sock?db=0", for messages. Never contains a password.
  [[nodiscard]] virtual std::string name() const = 0;

  /// Appends what this store keeps of `record` to `rows`.
  virtual void encode(const telemetry::RecordView& record, std::vector<std::byte>& rows) const = 0;

  /// Works towards being able to take batches (connects, greets, waits for its next attempt) and
  /// answers whether it is. Never waits: rings fill while it runs.
  [[nodiscard]] virtual bool ready() = 0;

  /// Time is short: the next attempt is due now, and the waits after it start again with the
  /// shortest.
  virtual void hurry() = 0;

  /// What is wrong, in one line ("lost: ECONNREFUSED (connect)"); empty while all is well. After
  /// a refusal it stays until a batch is stored, though ready() says yes for each next attempt.
  [[nodiscard]] virtual std::string trouble() const = 0;

  /// How many batches may be submitted and unanswered now; at least 1.
  [[nodiscard]] virtual std::size_t max_in_flight() const = 0;

  /// The `id` for a batch that has none, asked for just before submit(). Nothing: the store can do
  /// without. The caller keeps it wherever he keeps the batch, before he submits it.
  [[nodiscard]] virtual BatchId next_id() { return {}; }

  /// Starts storing a batch. Only when ready(), with fewer than max_in_flight() unanswered. The
  /// batch is read before the call returns.
  virtual void submit(const Batch& batch) = 0;

  /// Waits up to `patience` for the outcome of the oldest unanswered batch. After lost_link all
  /// unanswered batches count as not submitted.
  [[nodiscard]] virtual std::optional<Outcome> poll(std::chrono::microseconds patience) = 0;
};

}  // namespace valinor::exporter
