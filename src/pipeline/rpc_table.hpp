/// Remembers the traces of requests until their replies leave: the host's side of P4NetIntel.
///
///   request in  --remember()-->  [ shard: key -> traces, first seen, count ]  --answer()-->  reply
///   out
///
/// A reply is looked up by its own flow with addresses and ports swapped. The entry stays until it
/// is too old, so that a retransmitted reply gets the traces as well.
///
/// Any worker thread may call anything: request and reply of one flow are handled by different
/// workers, because the two sides' RSS differs. That makes this the one place of the data path
/// with a lock. Each shard has its own, held for a look-up and a copy of at most 1440 bytes; with
/// 64 shards and a handful of workers they hardly ever meet. A call takes 40 to 80 ns without
/// traces and up to 190 ns with 20 of 72 bytes, nobody contending (6000 entries, on a 2-core VM).
/// An entry is too large to be replaced by one atomic store, and a reader that may copy while a
/// writer replaces would have to copy by atomic words and retry: more instructions for each packet,
/// and much harder to see right. Nobody waits for long: where the holder has lost its CPU, the
/// other gives up (`busy`) and its packet goes without traces.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>

#include "base/counter.hpp"
#include "base/time.hpp"
#include "telemetry/edit/insert.hpp"
#include "telemetry/record.hpp"
#include "wire/reader.hpp"

namespace valinor::pipeline {

struct RpcTableConfig {
  /// Requests remembered at a time, rounded up to a multiple of `shards`. About 1.6 KiB each: 8192
  /// take 13 MiB. Too few for rate times max_age: the oldest go first, their replies get no traces.
  std::size_t entries = 8192;

  /// After this, counted from the first sight, a request is forgotten and its id may be used anew.
  /// Shorter than a reply takes: no traces. Longer: an id that a client uses again in this time is
  /// taken for a retransmission, so that its host time counts from the first use.
  Nanos max_age = std::chrono::seconds{10};

  /// Rounded up to a power of two. Fewer: workers meet at the locks. More: each holds less, and
  /// the fullest one is full sooner.
  std::size_t shards = 64;
};

/// An RPC: the flow of its request and the id in it.
struct RpcKey {
  telemetry::FlowKey flow;
  std::uint32_t rpc_id = 0;  // 0: none
};

/// The key of the request that a reply with this flow and id answers; also the other way round.
[[nodiscard]] RpcKey reversed(const RpcKey& key) noexcept;

/// What is known of a request when its reply comes.
struct RpcAnswer {
  telemetry::p4netintel::Layout layout{};
  std::uint32_t traces = 0;
  std::size_t traces_bytes = 0;
  std::uint64_t requests = 0;    // how often it was seen
  Nanos since_first_request{0};  // 0 where the host's clock was stepped back meanwhile
};

/// All are totals since the start; remembered = held now + evicted_full + evicted_age.
struct RpcTableTotals {
  std::uint64_t remembered = 0;  // requests seen for the first time
  std::uint64_t repeated = 0;    // ... and again
  std::uint64_t answered = 0;    // replies whose request was found
  std::uint64_t unknown = 0;     // replies whose request was not
  std::uint64_t evicted_full = 0;
  std::uint64_t evicted_age = 0;
  std::uint64_t never_answered = 0;  // of both kinds of evicted: no reply was seen
  std::uint64_t refused = 0;         // id 0, or more traces than the switches stack
  std::uint64_t busy = 0;            // given up waiting for the lock
};

class RpcTable {
 public:
  /// Allocates everything that is ever used.
  explicit RpcTable(const RpcTableConfig& config);

  /// Of a request: `traces` as telemetry::copy_traces() gives them. Seen before, its first time
  /// stays, the count grows and the traces are replaced. Answers whether it is in the table now.
  bool remember(const RpcKey& request, telemetry::p4netintel::Layout layout, wire::Bytes traces,
                HostTime now) noexcept;

  /// Of a reply: its own key, not reversed. Copies the request's traces to `traces`; nothing where
  /// the request is not known, or `traces` is too small.
  [[nodiscard]] std::optional<RpcAnswer> answer(const RpcKey& reply, HostTime now,
                                                std::span<std::byte> traces) noexcept;

  /// Evicts everything too old at `now`. The calls above do the same by and by, a few entries
  /// each; this is for the end, when the counters are to be final. Holds each lock for longer.
  void evict_aged(HostTime now) noexcept;

  [[nodiscard]] RpcTableTotals totals() const noexcept;
  [[nodiscard]] std::size_t capacity() const noexcept { return shard_count_ * entries_per_shard_; }
  [[nodiscard]] std::size_t memory_bytes() const noexcept;

 private:
  static constexpr std::uint32_t kNone = 0xffffffff;

  struct Entry {
    RpcKey key;
    HostTime first_seen;
    std::uint64_t requests = 0;
    std::uint32_t next_in_bucket = kNone;  // of free entries: the next free one
    std::uint32_t newer = kNone;           // the list from oldest to newest first sight
    std::uint32_t older = kNone;
    std::uint16_t traces_bytes = 0;
    telemetry::p4netintel::Layout layout{};
    bool answered = false;
  };

  /// Everything but the lock, `busy` and reading the counters belongs to who holds the lock. On
  /// cache lines of its own, so that workers in different shards do not slow each other down.
  struct alignas(64) Shard {
    std::atomic<bool> locked{false};
    std::uint32_t free = kNone;
    std::uint32_t oldest = kNone;
    std::uint32_t newest = kNone;
    Entry* entries = nullptr;          // entries_per_shard_ of them
    std::uint32_t* buckets = nullptr;  // buckets_per_shard_: the first entry of each chain
    std::byte* traces = nullptr;       // kMaxTracesBytes for each entry
    Counter remembered, repeated, answered, unknown, evicted_full, evicted_age, never_answered;
    std::atomic<std::uint64_t> refused{0}, busy{0};  // counted without the lock
  };

  class Hold;

  [[nodiscard]] std::uint64_t hash(const RpcKey& key) const noexcept;
  [[nodiscard]] Shard& shard_of(std::uint64_t hash) const noexcept;
  [[nodiscard]] std::uint32_t& bucket_of(Shard& shard, std::uint64_t hash) const noexcept;
  [[nodiscard]] bool is_aged(const Entry& entry, HostTime now) const noexcept;
  [[nodiscard]] std::uint32_t find(Shard& shard, std::uint64_t hash, const RpcKey& key,
                                   HostTime now) noexcept;
  void evict_some_aged(Shard& shard, HostTime now, std::size_t limit) noexcept;
  void evict(Shard& shard, std::uint32_t index, Counter& why) noexcept;
  [[nodiscard]] std::uint32_t add(Shard& shard, std::uint64_t hash, const RpcKey& key,
                                  HostTime now) noexcept;

  Nanos max_age_;
  std::uint64_t seed_;
  std::size_t shard_count_;        // a power of two
  std::size_t entries_per_shard_;  // less than kNone
  std::size_t buckets_per_shard_;  // a power of two
  std::unique_ptr<Shard[]> shards_;
  std::unique_ptr<Entry[]> entries_;
  std::unique_ptr<std::uint32_t[]> buckets_;
  std::unique_ptr<std::byte[]> traces_;
};

}  // namespace valinor::pipeline
