#include "exporter/exporter.hpp"

#include <algorithm>
#include <new>
#include <utility>

#include "base/failure.hpp"
#include "base/log.hpp"
#include "base/thread.hpp"

namespace valinor::exporter {
namespace {

using std::chrono::milliseconds;

/// Records taken from one ring before the next one has its turn. Smaller: more atomic operations
/// per record. Larger: the other rings and the store wait longer (4096 take about 0.1 ms).
constexpr std::size_t kDrainChunk = 4096;

/// "51,200"
std::string to_grouped(std::uint64_t number) {
  const std::string digits = std::to_string(number);
  std::string grouped;
  for (std::size_t i = 0; i < digits.size(); ++i) {
    if (i != 0 && (digits.size() - i) % 3 == 0) grouped.push_back(',');
    grouped.push_back(digits[i]);
  }
  return grouped;
}

/// "256 MiB"
std::string to_size(std::size_t bytes) {
  if (bytes >= std::size_t{1} << 20) return fmt::format("{} MiB", bytes >> 20);
  return fmt::format("{} KiB", bytes >> 10);
}

double seconds(Exporter::Clock::duration duration) {
  return std::chrono::duration<double>(duration).count();
}

/// Between two looks into empty rings, however long a batch may wait. 5 ms of 1 Mpps with three
/// hops are 1.8 MB, an eighth of a worker's ring. Shorter: needless wake-ups of an idle program.
constexpr milliseconds kLongestPause{5};

}  // namespace

Exporter::Exporter(const ExporterConfig& config, std::unique_ptr<RecordStore> store, Rings rings)
    : interval_{std::max(config.batch_interval, milliseconds{1})},
      pause_{std::min(interval_, kLongestPause)},
      memory_bytes_{config.memory_bytes},
      when_full_{config.when_full},
      store_{std::move(store)},
      store_name_{store_->name()},
      rings_{std::move(rings)},
      queue_{std::max<std::size_t>(config.redis.batch_records, 1)},
      thread_{[this](const std::stop_token& stop) { run(stop); }} {}

Exporter::~Exporter() { stop(Clock::now()); }

void Exporter::stop(Clock::time_point deadline) {
  if (!thread_.joinable()) return;
  {
    const std::lock_guard lock{mutex_};
    deadline_ = deadline;
  }
  thread_.request_stop();
  thread_.join();
}

void Exporter::stop_waiting() noexcept {
  // Relaxed here and in waits(): it publishes nothing but itself.
  when_full_.store(WhenFull::lose, std::memory_order_relaxed);
}

void Exporter::throw_if_failed() const {
  if (!failed()) return;
  Finding finding{"EXPORT-FAIL-01",
                  "the exporter failed; its records are counted above as exporter_failed", "",
                  "please report it with the output of -v"};
  try {
    std::rethrow_exception(failure_);
  } catch (const std::bad_alloc&) {
    finding.why = "there was no memory left";
    finding.next = "free memory, or lower export.buffer.memory";
  } catch (const std::exception& error) {
    finding.why = error.what();
  }
  throw Failure{ExitStatus::internal_error, finding};
}

void Exporter::run(const std::stop_token& stop) {
  name_this_thread("exporter");
  try {
    work(stop);
    finish();
  } catch (const std::exception&) {
    failure_ = std::current_exception();
    discard(stop);
  }
}

void Exporter::work(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    const bool drained = drain();
    submit();
    const bool settled = settle(drained ? milliseconds{0} : pause_);
    report();
    if (!drained && !settled && queue_.in_flight() == 0) pause(stop);
  }
}

/// Until it is time to look again, or to stop.
void Exporter::pause(const std::stop_token& stop) {
  std::unique_lock lock{mutex_};
  wake_.wait_for(lock, stop, pause_, [] { return false; });
}

void Exporter::finish() {
  Clock::time_point deadline;
  {
    const std::lock_guard lock{mutex_};
    deadline = deadline_;
  }
  store_->hurry();
  while (true) {
    const bool drained = drain();
    if (!drained) {
      queue_.seal();
      if (queue_.records() == 0 || Clock::now() >= deadline) break;
    }
    submit();
    const auto left = std::chrono::ceil<milliseconds>(deadline - Clock::now());
    const milliseconds patience = std::clamp(left, milliseconds{0}, pause_);
    const bool settled = settle(drained ? milliseconds{0} : patience);
    report();
    // The store is away: its next attempt is a matter of time alone.
    if (!drained && !settled && queue_.in_flight() == 0) std::this_thread::sleep_for(patience);
  }
  count_unflushed();
  report();
}

/// After an exception: keeps the rings flowing and the books balanced, and allocates nothing.
void Exporter::discard(const std::stop_token& stop) {
  queue_.clear();
  stats_.pending.store(0, std::memory_order_relaxed);
  failed_.store(true, std::memory_order_relaxed);
  // Of a turn that broke off, only these two are known to be right.
  stats_.lost_by(LossReason::exporter_failed).add(stats_.received.value() - stats_.settled());
  log::write(log::Level::error, "the exporter failed; all further records are lost");
  for (bool stopping = false; !stopping;) {
    stopping = stop.stop_requested();
    lose_rings(LossReason::exporter_failed);
    if (!stopping) pause(stop);
  }
}

bool Exporter::waits() const noexcept {
  return is_full() && when_full_.load(std::memory_order_relaxed) == WhenFull::wait;
}

bool Exporter::drain() {
  bool any = false;
  for (telemetry::RecordRing& ring : rings_) {
    std::size_t taken = 0;
    ring.read([&](const telemetry::RecordView& record) {
      if (taken == kDrainChunk || waits()) return false;
      take(record);
      ++taken;
      return true;
    });
    if (taken != 0) ring.release();
    any |= taken != 0;
  }
  return any;
}

void Exporter::take(const telemetry::RecordView& record) {
  if (is_full()) {
    stats_.lost_by(LossReason::memory_full).add(1);
  } else {
    if (!queue_.has_open()) open_since_ = Clock::now();
    queue_.add([&](std::vector<std::byte>& rows) { store_->encode(record, rows); });
  }
  stats_.received.add(1);  // only now: what breaks off here stays in the ring
}

void Exporter::submit() {
  // An open batch goes on filling until it is old enough and nothing is in front of it.
  const bool due = queue_.has_open() && Clock::now() - open_since_ >= interval_;
  if (!queue_.has_waiting() && !due) {
    // Keeps the connection alive while there is nothing to send: a lost one is noticed now.
    if (queue_.in_flight() == 0) (void)store_->ready();
    return;
  }
  while (queue_.in_flight() < store_->max_in_flight() && store_->ready()) {
    if (!queue_.has_waiting() && due) queue_.seal();
    if (!queue_.has_waiting()) break;
    store_->submit(queue_.submit_next());
  }
}

bool Exporter::settle(milliseconds patience) {
  bool any = false;
  while (queue_.in_flight() != 0) {
    const std::optional<Outcome> outcome = store_->poll(any ? milliseconds{0} : patience);
    if (!outcome) break;
    count(*outcome);
    any = true;
  }
  return any;
}

void Exporter::count(const Outcome& outcome) {
  switch (outcome.kind) {
    case Outcome::Kind::stored: {
      const Batch batch = queue_.settle_oldest();
      stats_.stored.add(batch.records - outcome.collapsed);
      stats_.collapsed.add(outcome.collapsed);
      stats_.unsure.add(outcome.unsure);
      return;
    }
    case Outcome::Kind::rejected: {
      const std::size_t records = queue_.settle_oldest().records;
      stats_.lost_by(LossReason::rejected).add(records);
      note_rejection(outcome, records);
      return;
    }
    case Outcome::Kind::refused: queue_.return_oldest(); return;
    case Outcome::Kind::lost_link: queue_.return_all(); return;
  }
}

void Exporter::note_rejection(const Outcome& outcome, std::size_t records) {
  const std::string kind = outcome.reason.substr(0, outcome.reason.find(' '));
  if (kind == last_rejection_) return;
  last_rejection_ = kind;
  log::error("{}: rejected {} records, which are lost: {} (further ones are only counted)",
             store_name_, to_grouped(records), outcome.reason);
}

/// Empties the rings, keeping nothing; answers how many records that cost.
std::size_t Exporter::lose_rings(LossReason reason) {
  std::size_t records = 0;
  for (telemetry::RecordRing& ring : rings_) {
    records += ring.read([](const telemetry::RecordView&) { return true; });
    ring.release();
  }
  stats_.received.add(records);
  stats_.lost_by(reason).add(records);
  return records;
}

void Exporter::count_unflushed() {
  const std::size_t held = queue_.records();
  // With WhenFull::wait there may be more in the rings.
  const std::size_t records = held + lose_rings(LossReason::unflushed_at_stop);
  if (records == 0) return;
  const std::string trouble = store_->trouble();
  log::error("{}: {} records not stored in time{}{}", store_name_, to_grouped(records),
             trouble.empty() ? "" : ": ", trouble);
  stats_.lost_by(LossReason::unflushed_at_stop).add(held);
  queue_.clear();
}

/// Shows the gauge, and logs when the store went away or came back.
void Exporter::report() {
  const std::uint64_t waiting = queue_.records();
  // Relaxed: a gauge publishes nothing but itself.
  stats_.pending.store(waiting, std::memory_order_relaxed);

  const std::string trouble = store_->trouble();
  if (!trouble.empty()) most_waiting_ = std::max(most_waiting_, waiting);
  if (trouble.empty() != in_trouble_) return;
  in_trouble_ = !trouble.empty();
  if (in_trouble_) {
    trouble_since_ = Clock::now();
    lost_before_trouble_ = stats_.all_lost();
    most_waiting_ = waiting;
    log::warning("{} {}; records wait in memory ({})", store_name_, trouble,
                 to_size(memory_bytes_));
  } else {
    log::info("{} back after {:.1f} s, {} records waited, {} lost", store_name_,
              seconds(Clock::now() - trouble_since_), to_grouped(most_waiting_),
              to_grouped(stats_.all_lost() - lost_before_trouble_));
  }
}

}  // namespace valinor::exporter
