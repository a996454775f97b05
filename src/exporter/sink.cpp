#include "exporter/sink.hpp"

#include <algorithm>
#include <cerrno>
#include <utility>

#include "base/log.hpp"
#include "base/numbers.hpp"

namespace valinor::exporter {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;

/// A store that is away for longer gets its records by way of the disk: a crash of ours costs no
/// more than that. Shorter: the disk is used for every restart of a server.
constexpr milliseconds kSpillAfter{1000};

/// Between attempts to write to a disk that has failed or is full. Until then records are lost.
constexpr milliseconds kDiskPause{100};

/// Reasons of one outage that are logged: a server that dies may hang, load and refuse us before
/// all is well, and no more is to be told of one that answers something new each time.
constexpr std::size_t kMostReasons = 8;

double seconds(Sink::Clock::duration duration) {
  return std::chrono::duration<double>(duration).count();
}

/// "1700000000.123456789"
std::string to_text(HostTime time) {
  const auto whole = std::chrono::floor<std::chrono::seconds>(time.since_epoch);
  return fmt::format("{}.{:09}", whole.count(), (time.since_epoch - whole).count());
}

}  // namespace

Sink::Sink(const ExporterConfig& config, SinkParts parts)
    : interval_{std::max(config.batch_interval, milliseconds{1})},
      memory_bytes_{config.memory_bytes / parts.sharers},
      parts_{std::move(parts)},
      name_{parts_.store->name()},
      queue_{std::max<std::size_t>(config.redis.batch_records, 1)} {
  stats_.recovered.add(on_disk());
  if (on_disk() != 0) {
    log::info("{}: {} records of an earlier run are in {}, and are stored first", name_,
              with_commas(on_disk()), parts_.spill->path().string());
  }
}

void Sink::take(const telemetry::RecordView& record, Clock::time_point since) {
  if (is_full() && !make_room()) {
    note_loss(record);
    stats_.lost_by(no_room_).add(1);
    ++taken_;
    return;
  }
  if (gap_) end_gap();
  if (!queue_.has_open()) open_since_ = since;
  queue_.add([&](std::vector<std::byte>& rows) { parts_.store->encode(record, rows); });
  ++taken_;
}

bool Sink::make_room() {
  if (!parts_.spill) return false;
  queue_.seal();
  while (is_full()) {
    if (!spill_oldest()) return false;
  }
  return true;
}

/// Takes the oldest batch that waits in memory to the disk; false where that cannot be.
bool Sink::spill_oldest() {
  if (Clock::now() < spill_again_) return false;
  std::optional<Batch> batch = queue_.take_waiting();
  if (!batch) {  // all are on their way to the store
    no_room_ = LossReason::memory_full;
    return false;
  }
  const Result<void> written = parts_.spill->append(*batch);
  if (written) return true;
  const bool is_full = written.error().code.value() == ENOSPC;
  no_room_ = is_full ? LossReason::spill_full : LossReason::spill_failed;
  spill_again_ = Clock::now() + kDiskPause;
  queue_.insert_next(std::move(*batch));
  return false;
}

void Sink::spill_all() {
  queue_.seal();
  while (spill_oldest()) {
  }
}

/// Records on disk are older than those that wait in memory.
void Sink::load_oldest() {
  if (!parts_.spill || !parts_.spill->has_unread() || queue_.is_next_spilled()) return;
  const std::uint64_t before = on_disk();
  Result<Batch> batch = parts_.spill->read_next();
  if (batch) return queue_.insert_next(std::move(*batch));
  const std::uint64_t lost = before - on_disk();
  stats_.lost_by(LossReason::spill_failed).add(lost);
  log::error("{}: {} records are lost that were on disk: {}: {}", name_, with_commas(lost),
             batch.error().doing, batch.error().code.message());
}

void Sink::submit() {
  // An open batch goes on filling until it is old enough and nothing is in front of it.
  const bool due = queue_.has_open() && Clock::now() - open_since_ >= interval_;
  const bool has_unread = parts_.spill && parts_.spill->has_unread();
  if (!queue_.has_waiting() && !due && !has_unread) {
    // Keeps the connection alive while there is nothing to send: a lost one is noticed now.
    if (queue_.in_flight() == 0) (void)parts_.store->ready();
    return;
  }
  while (queue_.in_flight() < parts_.store->max_in_flight() && parts_.store->ready()) {
    load_oldest();
    if (!queue_.has_waiting() && due) queue_.seal();
    if (!queue_.has_waiting()) break;
    Batch& next = queue_.submit_next();
    name_batch(next);
    parts_.store->submit(next);
  }
}

/// Before it is sent, and also on disk: the next process must be able to ask for it.
void Sink::name_batch(Batch& batch) {
  if (batch.id) return;
  batch.id = parts_.store->next_id();
  if (batch.id && batch.spilled != 0) parts_.spill->note_id(batch.spilled, batch.id);
}

bool Sink::settle(microseconds patience) {
  bool any = false;
  while (queue_.in_flight() != 0) {
    const std::optional<Outcome> outcome = parts_.store->poll(any ? microseconds{0} : patience);
    if (!outcome) break;
    count(*outcome);
    any = true;
  }
  return any;
}

void Sink::count(const Outcome& outcome) {
  switch (outcome.kind) {
    case Outcome::Kind::stored: {
      const Batch batch = take_settled();
      stats_.stored.add(batch.records - outcome.collapsed);
      stats_.collapsed.add(outcome.collapsed);
      stats_.unsure.add(outcome.unsure);
      answered_ = true;
      return;
    }
    case Outcome::Kind::rejected: {
      const std::size_t records = take_settled().records;
      stats_.lost_by(LossReason::rejected).add(records);
      note_rejection(outcome, records);
      answered_ = true;
      return;
    }
    case Outcome::Kind::refused: queue_.return_oldest(); return;
    case Outcome::Kind::absent: queue_.return_oldest_as_new(); return;
    case Outcome::Kind::lost_link: queue_.return_all(); return;
  }
}

Batch Sink::take_settled() {
  Batch batch = queue_.settle_oldest();
  if (batch.spilled != 0) parts_.spill->settle(batch.spilled);
  return batch;
}

void Sink::note_rejection(const Outcome& outcome, std::size_t records) {
  const std::string kind = outcome.reason.substr(0, outcome.reason.find(' '));
  if (kind == last_rejection_) return;
  last_rejection_ = kind;
  log::error("{}: rejected {} records, which are lost: {} (further ones are only counted)", name_,
             with_commas(records), outcome.reason);
}

void Sink::note_loss(const telemetry::RecordView& record) {
  const HostTime time = record.packet.received;
  if (gap_ && gap_->reason != no_room_) end_gap();
  if (!gap_) {
    gap_ = Gap{.reason = no_room_, .from = time, .to = time};
    log::error("{}: records are lost from now on: {}", name_, to_name(no_room_));
  }
  gap_->to = std::max(gap_->to, time);
  ++gap_->records;
}

void Sink::end_gap() {
  if (!gap_) return;
  log::error("{}: lost {} records of packets from {} to {} ({})", name_, with_commas(gap_->records),
             to_text(gap_->from), to_text(gap_->to), to_name(gap_->reason));
  gaps_.add(*gap_);
  gap_.reset();
}

void Sink::close() {
  end_gap();
  queue_.return_all();
  if (parts_.spill) {
    spill_again_ = Clock::now();
    spill_all();
  }
  const std::size_t left = queue_.records();
  if (left != 0) {
    const std::string trouble = parts_.store->trouble();
    log::error("{}: {} records not stored in time{}{}", name_, with_commas(left),
               trouble.empty() ? "" : ": ", trouble);
    stats_.lost_by(LossReason::unflushed_at_stop).add(left);
  }
  queue_.clear();
  report();
  if (on_disk() != 0) {
    log::warning("{}: {} records wait in {}; the next run with this store stores them", name_,
                 with_commas(on_disk()), parts_.spill->path().string());
  }
}

void Sink::give_up() noexcept {
  queue_.clear();
  const std::uint64_t left = on_disk();
  stats_.pending.store(left, std::memory_order_relaxed);
  // Of a turn that broke off, only these are known to be right.
  const std::uint64_t known = stats_.settled() + left;
  const std::uint64_t all = stats_.received.value() + stats_.recovered.value();
  stats_.lost_by(LossReason::exporter_failed).add(all - std::min(all, known));
}

void Sink::report() {
  const std::uint64_t waiting = queue_.records() + on_disk();
  // Relaxed: gauges publish nothing but themselves.
  stats_.pending.store(waiting, std::memory_order_relaxed);
  stats_.on_disk.store(on_disk(), std::memory_order_relaxed);

  const std::string trouble = parts_.store->trouble();
  if (!trouble.empty()) most_waiting_ = std::max(most_waiting_, waiting);
  if (in_trouble_ && parts_.spill && Clock::now() - trouble_since_ >= kSpillAfter) {
    if (!spills_) log::info("{}: records go to {}", name_, parts_.spill->path().string());
    spills_ = true;
    spill_all();
  }
  if (in_trouble_ && !trouble.empty()) note_reason(trouble);
  if (!trouble.empty()) answered_ = false;
  // A server that takes our connection may still refuse the first batch.
  const bool fine = trouble.empty() && (answered_ || queue_.in_flight() == 0);
  if (in_trouble_ ? !fine : trouble.empty()) return;
  in_trouble_ = !in_trouble_;
  spills_ = false;
  if (in_trouble_) {
    trouble_since_ = Clock::now();
    lost_before_trouble_ = stats_.all_lost();
    most_waiting_ = waiting;
    reasons_ = {trouble};
    log::warning(
        "{} {}; records wait in memory ({}){}", name_, trouble, to_size(memory_bytes_),
        parts_.spill ? fmt::format(", then on disk ({})", to_size(parts_.spill->max_bytes())) : "");
  } else {
    log::info("{} back after {:.1f} s, {} records waited, {} lost", name_,
              seconds(Clock::now() - trouble_since_), with_commas(most_waiting_),
              with_commas(stats_.all_lost() - lost_before_trouble_));
  }
}

/// Each of an outage's reasons is told once: the last one may be what somebody has to repair.
void Sink::note_reason(const std::string& trouble) {
  if (reasons_.size() == kMostReasons || std::ranges::find(reasons_, trouble) != reasons_.end()) {
    return;
  }
  reasons_.push_back(trouble);
  log::warning("{} {}", name_, trouble);
}

}  // namespace valinor::exporter
