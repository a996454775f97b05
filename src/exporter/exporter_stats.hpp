/// What the exporter counts. Every record that it takes from a ring ends in exactly one of
///
///   received + recovered = stored + collapsed + each loss + pending
///
/// The equation is exact once Exporter::stop() has returned; while the exporter runs, a reader may
/// see a turn half counted.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <string>
#include <string_view>

#include "base/counter.hpp"

namespace valinor::exporter {

/// Why a record that left its ring was not stored. (What finds its ring full is `ring_full`; its
/// worker counts that.)
enum class LossReason : std::uint8_t {
  memory_full,        // the store was away for so long that memory_bytes were used up
  spill_full,         // ... and so was the room on disk
  spill_failed,       // ... and the disk took no more, or did not give back what it had
  rejected,           // the store will never take the record's batch
  exporter_failed,    // the exporter's thread met an exception, and stores nothing more
  unflushed_at_stop,  // not acknowledged when the time for stopping was over
  count_
};

inline constexpr std::size_t kLossReasons = static_cast<std::size_t>(LossReason::count_);

/// The counter's name: "memory_full".
[[nodiscard]] constexpr std::string_view to_name(LossReason reason) noexcept {
  constexpr std::array<std::string_view, kLossReasons> kNames{
      "memory_full", "spill_full",      "spill_failed",
      "rejected",    "exporter_failed", "unflushed_at_stop"};
  return kNames[static_cast<std::size_t>(reason)];
}

/// Written by the exporter's thread, read by any.
struct ExporterStats {
  Counter received;   // records taken from the rings
  Counter recovered;  // records that an earlier run left on disk
  Counter stored;     // acknowledged by the store, and new to it
  Counter collapsed;  // acknowledged; the store held an equal record already
  Counter unsure;     // part of stored: sent twice, so an equal record may have been there before
  std::array<Counter, kLossReasons> lost;
  std::atomic<std::uint64_t> pending{0};  // held now, in memory and on disk
  std::atomic<std::uint64_t> on_disk{0};  // of those

  [[nodiscard]] Counter& lost_by(LossReason reason) noexcept {
    return lost[static_cast<std::size_t>(reason)];
  }
  [[nodiscard]] const Counter& lost_by(LossReason reason) const noexcept {
    return lost[static_cast<std::size_t>(reason)];
  }
  [[nodiscard]] std::uint64_t all_lost() const noexcept {
    std::uint64_t sum = 0;
    for (const Counter& counter : lost) sum += counter.value();
    return sum;
  }
  /// Records that the store has answered for, for good.
  [[nodiscard]] std::uint64_t answered() const noexcept {
    return stored.value() + collapsed.value() + lost_by(LossReason::rejected).value();
  }
  /// Records whose fate is known.
  [[nodiscard]] std::uint64_t settled() const noexcept {
    return stored.value() + collapsed.value() + all_lost();
  }
  [[nodiscard]] bool balanced() const noexcept {
    return received.value() + recovered.value() == settled() + pending.load();
  }
};

/// A reading of the counters of all sinks that share the records.
struct ExporterTotals {
  std::string group;  // of the sinks
  std::uint64_t recovered = 0, stored = 0, collapsed = 0, unsure = 0, pending = 0, on_disk = 0;
  std::array<std::uint64_t, kLossReasons> lost{};

  void add(const ExporterStats& stats) noexcept;

  [[nodiscard]] std::uint64_t all_lost() const noexcept {
    return std::accumulate(lost.begin(), lost.end(), std::uint64_t{0});
  }
  /// As ExporterStats.
  [[nodiscard]] std::uint64_t answered() const noexcept {
    return stored + collapsed + lost[static_cast<std::size_t>(LossReason::rejected)];
  }
  [[nodiscard]] std::uint64_t settled() const noexcept { return stored + collapsed + all_lost(); }
};

inline void ExporterTotals::add(const ExporterStats& stats) noexcept {
  recovered += stats.recovered.value();
  stored += stats.stored.value();
  collapsed += stats.collapsed.value();
  unsure += stats.unsure.value();
  pending += stats.pending.load();
  on_disk += stats.on_disk.load();
  for (std::size_t i = 0; i < lost.size(); ++i) lost[i] += stats.lost[i].value();
}

}  // namespace valinor::exporter
