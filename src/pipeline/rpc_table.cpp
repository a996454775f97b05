#include "pipeline/rpc_table.hpp"

#include <sched.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <random>
#include <utility>

namespace valinor::pipeline {
namespace {

using telemetry::kMaxTracesBytes;
using telemetry::p4netintel::trace_bytes;

/// Entries evicted for their age by each call: two, where a call adds one at most, so the aged
/// never pile up while there is traffic.
constexpr std::size_t kAgedPerCall = 2;

/// How long a taken lock is waited for. A holder that runs is done within the first few of 200
/// rounds (3 to 9 us). One that has lost its CPU gets it back by our yielding, if it shares ours;
/// if not, waiting does not help: after 17 tries (at most about 150 us) we go without.
constexpr unsigned kSpins = 200;
constexpr unsigned kTries = 17;

void pause() noexcept {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

bool same(const RpcKey& a, const RpcKey& b) noexcept {
  return a.rpc_id == b.rpc_id && a.flow.source == b.flow.source &&
         a.flow.destination == b.flow.destination && a.flow.source_port == b.flow.source_port &&
         a.flow.destination_port == b.flow.destination_port && a.flow.protocol == b.flow.protocol;
}

std::uint64_t load(const std::byte* at) noexcept {
  std::uint64_t word = 0;
  std::memcpy(&word, at, sizeof word);
  return word;
}

/// Multiply and fold: every bit of both words reaches every bit of the result.
std::uint64_t mix(std::uint64_t hash, std::uint64_t word) noexcept {
  __extension__ using Wide = unsigned __int128;
  const Wide product = static_cast<Wide>(hash ^ word) * 0x9e3779b97f4a7c15u;
  return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
}

}  // namespace

RpcKey reversed(const RpcKey& key) noexcept {
  RpcKey out = key;
  std::swap(out.flow.source, out.flow.destination);
  std::swap(out.flow.source_port, out.flow.destination_port);
  return out;
}

/// Holds a shard's lock while it lives, if it got it.
class RpcTable::Hold {
 public:
  explicit Hold(Shard& shard, bool patient = false) noexcept : shard_{shard} {
    for (unsigned tries = 0; patient || tries < kTries; ++tries) {
      for (unsigned spins = 0; spins < kSpins; ++spins) {
        // Acquire pairs with the release in the destructor: what the last holder wrote is seen.
        // The relaxed look first keeps the line shared among those who wait.
        if (!shard_.locked.load(std::memory_order_relaxed) &&
            !shard_.locked.exchange(true, std::memory_order_acquire)) {
          held_ = true;
          return;
        }
        pause();
      }
      sched_yield();  // a system call, only where the alternative is to spin for a time slice
    }
    shard_.busy.fetch_add(1, std::memory_order_relaxed);  // a number alone: orders nothing
  }
  ~Hold() {
    if (held_) shard_.locked.store(false, std::memory_order_release);  // see the acquire above
  }
  Hold(const Hold&) = delete;
  Hold& operator=(const Hold&) = delete;

  explicit operator bool() const noexcept { return held_; }

 private:
  Shard& shard_;
  bool held_ = false;
};

RpcTable::RpcTable(const RpcTableConfig& config)
    : max_age_{config.max_age},
      seed_{(std::uint64_t{std::random_device{}()} << 32) | std::random_device{}()},
      shard_count_{std::bit_ceil(std::max<std::size_t>(config.shards, 1))},
      entries_per_shard_{
          std::max<std::size_t>((config.entries + shard_count_ - 1) / shard_count_, 1)},
      buckets_per_shard_{std::bit_ceil(entries_per_shard_)},
      shards_{std::make_unique<Shard[]>(shard_count_)},
      entries_{std::make_unique<Entry[]>(capacity())},
      buckets_{std::make_unique<std::uint32_t[]>(shard_count_ * buckets_per_shard_)},
      traces_{std::make_unique<std::byte[]>(capacity() * kMaxTracesBytes)} {
  std::fill_n(buckets_.get(), shard_count_ * buckets_per_shard_, kNone);
  for (std::size_t i = 0; i < shard_count_; ++i) {
    Shard& shard = shards_[i];
    shard.entries = entries_.get() + i * entries_per_shard_;
    shard.buckets = buckets_.get() + i * buckets_per_shard_;
    shard.traces = traces_.get() + i * entries_per_shard_ * kMaxTracesBytes;
    for (std::size_t entry = entries_per_shard_; entry-- > 0;) {
      shard.entries[entry].next_in_bucket = shard.free;
      shard.free = static_cast<std::uint32_t>(entry);
    }
  }
}

std::size_t RpcTable::memory_bytes() const noexcept {
  return shard_count_ * (sizeof(Shard) + buckets_per_shard_ * sizeof(std::uint32_t)) +
         capacity() * (sizeof(Entry) + kMaxTracesBytes);
}

/// Seeded at random, so that nobody can choose flows that meet in one chain.
std::uint64_t RpcTable::hash(const RpcKey& key) const noexcept {
  const telemetry::FlowKey& flow = key.flow;
  std::uint64_t hash = seed_;
  hash = mix(hash, load(flow.source.data()));
  hash = mix(hash, load(flow.source.data() + 8));
  hash = mix(hash, load(flow.destination.data()));
  hash = mix(hash, load(flow.destination.data() + 8));
  hash = mix(hash, std::uint64_t{flow.source_port} << 24 |
                       std::uint64_t{flow.destination_port} << 8 | flow.protocol);
  return mix(hash, key.rpc_id);
}

RpcTable::Shard& RpcTable::shard_of(std::uint64_t hash) const noexcept {
  return shards_[(hash >> 32) & (shard_count_ - 1)];
}

std::uint32_t& RpcTable::bucket_of(Shard& shard, std::uint64_t hash) const noexcept {
  return shard.buckets[hash & (buckets_per_shard_ - 1)];
}

bool RpcTable::is_aged(const Entry& entry, HostTime now) const noexcept {
  return now - entry.first_seen > max_age_;
}

/// The entry of `key`; none where there is none, or it is too old, and then it is gone.
std::uint32_t RpcTable::find(Shard& shard, std::uint64_t hash, const RpcKey& key,
                             HostTime now) noexcept {
  std::uint32_t index = bucket_of(shard, hash);
  while (index != kNone && !same(shard.entries[index].key, key)) {
    index = shard.entries[index].next_in_bucket;
  }
  if (index != kNone && is_aged(shard.entries[index], now)) {
    evict(shard, index, shard.evicted_age);
    return kNone;
  }
  return index;
}

void RpcTable::evict_some_aged(Shard& shard, HostTime now, std::size_t limit) noexcept {
  for (; limit > 0 && shard.oldest != kNone && is_aged(shard.entries[shard.oldest], now); --limit) {
    evict(shard, shard.oldest, shard.evicted_age);
  }
}

void RpcTable::evict(Shard& shard, std::uint32_t index, Counter& why) noexcept {
  Entry& entry = shard.entries[index];
  std::uint32_t* link = &bucket_of(shard, hash(entry.key));
  while (*link != index) link = &shard.entries[*link].next_in_bucket;
  *link = entry.next_in_bucket;
  (entry.older != kNone ? shard.entries[entry.older].newer : shard.oldest) = entry.newer;
  (entry.newer != kNone ? shard.entries[entry.newer].older : shard.newest) = entry.older;
  entry.next_in_bucket = shard.free;
  shard.free = index;
  why.add(1);
  if (!entry.answered) shard.never_answered.add(1);
}

/// A new entry, the newest of its shard; the oldest makes room where there is none.
std::uint32_t RpcTable::add(Shard& shard, std::uint64_t hash, const RpcKey& key,
                            HostTime now) noexcept {
  if (shard.free == kNone) evict(shard, shard.oldest, shard.evicted_full);
  const std::uint32_t index = shard.free;
  Entry& entry = shard.entries[index];
  shard.free = entry.next_in_bucket;
  std::uint32_t& bucket = bucket_of(shard, hash);
  entry = {.key = key, .first_seen = now, .next_in_bucket = bucket, .older = shard.newest};
  bucket = index;
  (shard.newest != kNone ? shard.entries[shard.newest].newer : shard.oldest) = index;
  shard.newest = index;
  shard.remembered.add(1);
  return index;
}

bool RpcTable::remember(const RpcKey& request, telemetry::p4netintel::Layout layout,
                        wire::Bytes traces, HostTime now) noexcept {
  const std::uint64_t key_hash = hash(request);
  Shard& shard = shard_of(key_hash);
  if (request.rpc_id == 0 ||
      traces.size() > telemetry::p4netintel::kSwitchStackDepth * trace_bytes(layout)) {
    shard.refused.fetch_add(1, std::memory_order_relaxed);  // a number alone: orders nothing
    return false;
  }
  const Hold hold{shard};
  if (!hold) return false;
  evict_some_aged(shard, now, kAgedPerCall);
  std::uint32_t index = find(shard, key_hash, request, now);
  if (index == kNone) {
    index = add(shard, key_hash, request, now);
  } else {
    shard.repeated.add(1);
  }
  Entry& entry = shard.entries[index];
  ++entry.requests;
  entry.layout = layout;
  entry.traces_bytes = static_cast<std::uint16_t>(traces.size());
  std::copy_n(traces.data(), traces.size(), shard.traces + index * kMaxTracesBytes);
  return true;
}

std::optional<RpcAnswer> RpcTable::answer(const RpcKey& reply, HostTime now,
                                          std::span<std::byte> traces) noexcept {
  if (reply.rpc_id == 0) return std::nullopt;
  const RpcKey request = reversed(reply);
  const std::uint64_t key_hash = hash(request);
  Shard& shard = shard_of(key_hash);
  const Hold hold{shard};
  if (!hold) return std::nullopt;
  evict_some_aged(shard, now, kAgedPerCall);
  const std::uint32_t index = find(shard, key_hash, request, now);
  if (index == kNone || shard.entries[index].traces_bytes > traces.size()) {
    shard.unknown.add(1);
    return std::nullopt;
  }
  Entry& entry = shard.entries[index];
  entry.answered = true;
  shard.answered.add(1);
  std::copy_n(shard.traces + index * kMaxTracesBytes, entry.traces_bytes, traces.data());
  return RpcAnswer{
      .layout = entry.layout,
      .traces = static_cast<std::uint32_t>(entry.traces_bytes / trace_bytes(entry.layout)),
      .traces_bytes = entry.traces_bytes,
      .requests = entry.requests,
      .since_first_request = std::max(now - entry.first_seen, Nanos{0})};
}

void RpcTable::evict_aged(HostTime now) noexcept {
  for (std::size_t i = 0; i < shard_count_; ++i) {
    const Hold hold{shards_[i], true};
    evict_some_aged(shards_[i], now, entries_per_shard_);
  }
}

RpcTableTotals RpcTable::totals() const noexcept {
  RpcTableTotals totals;
  for (std::size_t i = 0; i < shard_count_; ++i) {
    const Shard& shard = shards_[i];
    totals.remembered += shard.remembered.value();
    totals.repeated += shard.repeated.value();
    totals.answered += shard.answered.value();
    totals.unknown += shard.unknown.value();
    totals.evicted_full += shard.evicted_full.value();
    totals.evicted_age += shard.evicted_age.value();
    totals.never_answered += shard.never_answered.value();
    totals.refused += shard.refused.load(std::memory_order_relaxed);  // as Counter::value()
    totals.busy += shard.busy.load(std::memory_order_relaxed);
  }
  return totals;
}

}  // namespace valinor::pipeline
