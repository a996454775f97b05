#include "exporter/exporter.hpp"

#include <algorithm>
#include <new>
#include <utility>

#include "base/failure.hpp"
#include "base/log.hpp"
#include "base/thread.hpp"

namespace valinor::exporter {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;

/// Records taken from one ring before the next one has its turn. Smaller: more atomic operations
/// per record. Larger: the other rings and the store wait longer (4096 take about 0.1 ms).
constexpr std::size_t kDrainChunk = 4096;

/// Between two looks into empty rings, where batches may wait for longer: the gauges are shown
/// then, and a connection that is lost is noticed.
constexpr milliseconds kLongestPause{100};

/// ... and no longer than a ring takes, as things go, to get so many bytes: they are read while
/// they are in a core's own cache, which has 1 or 2 MiB, and a worker that shares its CPU with us
/// gets it back before its RX ring is full.
constexpr std::size_t kBytesBetweenLooks = std::size_t{1} << 20;
constexpr microseconds kShortestPause{50};

/// A worker whose ring has got so many bytes, as packets came faster than before, ends the pause;
/// half of a ring that is smaller than twice that. Larger: less is left of the ring for the time
/// that our waking takes. Smaller: workers wake us where we would have looked in time, which costs
/// them a system call.
constexpr std::size_t kBytesToCall = std::size_t{2} << 20;

/// For a store that owes answers, which nobody can end: 5 ms of 10 Mpps with three hops are 16 MB,
/// a worker's ring. Also for one that is away while records wait: each step of connecting takes
/// one.
constexpr milliseconds kLongestWaitForStore{5};

/// The slice that we ask of the scheduler. Ordinary ones, of some ms, are longer than a ring can
/// wait where a worker that never sleeps has our CPU.
constexpr microseconds kSlice{100};

}  // namespace

Exporter::Exporter(const ExporterConfig& config, std::vector<SinkParts> sinks, Rings rings)
    : pause_{std::clamp(config.batch_interval, milliseconds{1}, kLongestPause)},
      patience_{std::min(pause_, kLongestWaitForStore)},
      when_full_{config.when_full},
      rings_{std::move(rings)},
      drained_bytes_(rings_.size()) {
  for (SinkParts& parts : sinks) sinks_.emplace_back(config, std::move(parts));
  thread_ = std::jthread{[this](const std::stop_token& stop) { run(stop); }};
}

Exporter::Exporter(const ExporterConfig& config, std::unique_ptr<RecordStore> store, Rings rings)
    : Exporter{config,
               [&] {
                 std::vector<SinkParts> one(1);
                 one.front().store = std::move(store);
                 return one;
               }(),
               std::move(rings)} {}

Exporter::~Exporter() { stop(Clock::now()); }

void Exporter::stop(Clock::time_point deadline) {
  if (!thread_.joinable()) return;
  deadline_ = deadline;
  thread_.request_stop();
  wake_.raise();
  thread_.join();
}

std::vector<ExporterTotals> Exporter::totals() const {
  std::vector<ExporterTotals> groups;
  for (const Sink& sink : sinks_) {
    auto group = std::ranges::find(groups, sink.group(), &ExporterTotals::group);
    if (group == groups.end()) {
      groups.push_back({.group = sink.group()});
      group = groups.end() - 1;
    }
    group->add(sink.stats());
  }
  return groups;
}

std::vector<StoreGaps> Exporter::gaps() const {
  std::vector<StoreGaps> found;
  for (const Sink& sink : sinks_) {
    if (!sink.gaps().kept().empty()) found.push_back({sink.name(), sink.gaps()});
  }
  return found;
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
  request_slice(kSlice);
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
    const Clock::time_point now = Clock::now();
    const std::size_t drained = drain();
    looked_ = now;
    submit();
    const microseconds length = drained != 0 ? microseconds{0} : next_pause(now);
    const bool settled = settle(std::min<microseconds>(length, kLongestWaitForStore));
    report();
    if (drained == 0 && !settled) {
      pause_began_ = now;
      std::ranges::fill(drained_bytes_, 0);
      if (is_idle()) pause(length);
    }
  }
}

microseconds Exporter::next_pause(Clock::time_point now) const noexcept {
  std::size_t most = 0;
  for (const std::size_t bytes : drained_bytes_) most = std::max(most, bytes);
  const microseconds longest =
      std::ranges::any_of(sinks_, [](const Sink& sink) { return sink.has_waiting(); }) ? patience_
                                                                                       : pause_;
  if (most == 0) return longest;
  using Exactly = std::chrono::duration<double, std::micro>;
  const Exactly each = Exactly{now - pause_began_} / static_cast<double>(most);
  const Exactly wanted = each * static_cast<double>(kBytesBetweenLooks);
  return std::chrono::floor<microseconds>(std::clamp<Exactly>(wanted, kShortestPause, longest));
}

/// Until it is time to look again, or to stop, or a ring fills.
void Exporter::pause(microseconds length) noexcept {
  for (telemetry::RecordRing& ring : rings_) {
    ring.call_at(std::min(kBytesToCall, ring.capacity() / 2), wake_);
  }
  wake_.wait(length);
  for (telemetry::RecordRing& ring : rings_) ring.call_off();
}

/// Whether no store owes an answer.
bool Exporter::is_idle() const noexcept {
  return std::ranges::all_of(sinks_, [](const Sink& sink) { return sink.in_flight() == 0; });
}

void Exporter::finish() {
  for (Sink& sink : sinks_) sink.hurry();
  while (true) {
    const bool drained = drain() != 0;
    if (!drained) {
      for (Sink& sink : sinks_) sink.seal();
      const bool done =
          std::ranges::all_of(sinks_, [](const Sink& sink) { return sink.is_done(); });
      if (done || Clock::now() >= deadline_) break;
    }
    submit();
    const auto left = std::chrono::ceil<milliseconds>(deadline_ - Clock::now());
    const milliseconds patience = std::clamp(left, milliseconds{0}, patience_);
    const bool settled = settle(drained ? milliseconds{0} : patience);
    report();
    // A store is away: its next attempt is a matter of time alone.
    if (!drained && !settled && is_idle()) std::this_thread::sleep_for(patience);
  }
  lose_rings(LossReason::unflushed_at_stop);  // with WhenFull::wait there may be some
  for (Sink& sink : sinks_) sink.close();
}

/// After an exception: keeps the rings flowing and the books balanced, and allocates nothing.
void Exporter::discard(const std::stop_token& stop) {
  for (Sink& sink : sinks_) sink.give_up();
  failed_.store(true, std::memory_order_relaxed);
  log::write(log::Level::error, "the exporter failed; all further records are lost");
  for (bool stopping = false; !stopping;) {
    stopping = stop.stop_requested();
    lose_rings(LossReason::exporter_failed);
    if (!stopping) pause(kLongestPause);
  }
}

bool Exporter::waits() const noexcept {
  return when_full_.load(std::memory_order_relaxed) == WhenFull::wait &&
         std::ranges::any_of(sinks_, [](const Sink& sink) { return sink.is_full(); });
}

std::size_t Exporter::drain() {
  std::size_t all = 0;
  for (std::size_t i = 0; i < rings_.size(); ++i) {
    telemetry::RecordRing& ring = rings_[i];
    std::size_t taken = 0;
    ring.read([&](const telemetry::RecordView& record) {
      if (taken == kDrainChunk || waits()) return false;
      take(record);
      ++taken;
      return true;
    });
    if (taken != 0) drained_bytes_[i] += ring.release();
    all += taken;
  }
  return all;
}

void Exporter::take(const telemetry::RecordView& record) {
  for (Sink& sink : sinks_) {
    // It came after the look before this one.
    if (sink.wants(record)) sink.take(record, looked_);
  }
  // Only now: what breaks off above stays in the ring.
  for (Sink& sink : sinks_) sink.count_received();
}

void Exporter::submit() {
  for (Sink& sink : sinks_) sink.submit();
}

bool Exporter::settle(microseconds patience) {
  bool any = false;
  for (Sink& sink : sinks_) any |= sink.settle(any ? microseconds{0} : patience);
  return any;
}

void Exporter::report() {
  for (Sink& sink : sinks_) sink.report();
}

/// Empties the rings, keeping nothing.
void Exporter::lose_rings(LossReason reason) {
  for (telemetry::RecordRing& ring : rings_) {
    ring.read([&](const telemetry::RecordView& record) {
      for (Sink& sink : sinks_) sink.lose(reason, sink.wants(record) ? 1 : 0);
      return true;
    });
    ring.release();
  }
}

}  // namespace valinor::exporter
