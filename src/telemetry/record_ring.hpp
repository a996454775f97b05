/// Carries records from one worker to the exporter.
///
///   worker --reserve(), commit(), publish()--> [ ring of bytes ] --read(), release()--> exporter
///
/// An entry is a PacketRecord and its HopRecords, back to back, written in place. The memory is
/// mapped twice in a row, so that an entry that crosses the end is still one range of addresses.
/// Full means lost: reserve() says no and the worker counts it. Packets never wait for records;
/// only a capture that is replayed does, by room(). restart_if_empty(), reserve(), room(), commit()
/// and publish() belong to the producer's thread, read(), release(), call_at() and call_off() to
/// the consumer's; they share nothing else.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>
#include <utility>

#include "base/mapping.hpp"
#include "base/wake_event.hpp"
#include "telemetry/record.hpp"

namespace valinor::telemetry {

/// Where a decoder writes one entry. Valid until commit() or the next reserve().
struct RecordSlot {
  PacketRecord* packet;
  HopRecord* hops;  // room for max_hops
  std::uint16_t max_hops;
};

class RecordRing {
 public:
  /// At least `bytes` of memory, rounded up to a power of two of pages. Throws std::system_error.
  explicit RecordRing(std::size_t bytes);

  /// Where the consumer has taken all there was, writes on from the start of the memory: what has
  /// just been in use is in the cache, the rest of a large ring is not. Before a burst's first
  /// reserve().
  void restart_if_empty() noexcept {
    if ((written_ & (capacity_ - 1)) < kRestartFrom) return;
    // Pairs with the store in release(): the consumer has read all that was published, and goes on
    // from restarted_ once it sees more.
    if (released_.load(std::memory_order_acquire) != written_) return;
    written_ = (written_ | (capacity_ - 1)) + 1;
    writable_end_ = written_ + capacity_;
    restarted_.store(written_, std::memory_order_relaxed);  // published with the next record
  }

  /// Room for one record of up to `max_hops` hops; `packet` is null where the ring is full.
  [[nodiscard]] RecordSlot reserve(std::uint16_t max_hops) noexcept {
    const std::size_t needed = entry_bytes(max_hops);
    if (writable_end_ - written_ < needed && room() < needed) [[unlikely]]
      return {nullptr, nullptr, 0};
    std::byte* at = memory_ + (written_ & (capacity_ - 1));
    return {make_empty(at), reinterpret_cast<HopRecord*>(at + sizeof(PacketRecord)), max_hops};
  }

  /// Fetches the lines that a record of `bytes` will take, some records ahead; for writing, where
  /// the build is for CPUs that know the difference. Inlined by force: GCC takes a function that
  /// only prefetches for one without effect.
  [[gnu::always_inline]] void prefetch_room(std::size_t bytes) const noexcept {
    const std::byte* at = memory_ + (written_ & (capacity_ - 1)) + kWriteAhead;
    for (std::size_t i = 0; i < bytes; i += kLineBytes) __builtin_prefetch(at + i, 1);
  }

  /// What a record of so many hops takes in the ring.
  [[nodiscard]] static constexpr std::size_t entry_bytes(std::size_t hops) noexcept {
    return sizeof(PacketRecord) + hops * sizeof(HopRecord);
  }

  /// How many records of up to `max_hops` hops there is certainly room for.
  [[nodiscard]] std::size_t room(std::uint16_t max_hops) noexcept {
    return room() / entry_bytes(max_hops);
  }

  /// Keeps the record last reserved, with packet->hop_count hops. Not yet seen by the consumer.
  void commit(const RecordSlot& slot) noexcept { written_ += entry_bytes(slot.packet->hop_count); }

  /// Shows all committed records to the consumer; once per burst.
  void publish() noexcept {
    // Pairs with the load in read(): the records are written before they are seen.
    published_.store(written_, std::memory_order_release);
    if (unread_at_most() >= call_at_.load(std::memory_order_relaxed)) [[unlikely]]
      call();
  }

  /// Calls `take(RecordView)` for each published record, oldest first, until it returns false or
  /// none is left. Answers how many were taken; the one refused stays. Call release() afterwards.
  template <class Take>
  std::size_t read(Take&& take) {
    // Pairs with the store in publish().
    const std::uint64_t end = published_.load(std::memory_order_acquire);
    if (read_ != end) read_ = std::max(read_, restarted_.load(std::memory_order_relaxed));
    const std::uint64_t begin = read_;
    std::size_t taken = 0;
    for (; read_ != end; ++taken) {
      const std::byte* at = memory_ + (read_ & (capacity_ - 1));
      const auto& packet = *reinterpret_cast<const PacketRecord*>(at);
      const auto* hops = reinterpret_cast<const HopRecord*>(at + sizeof(PacketRecord));
      const std::size_t bytes = entry_bytes(packet.hop_count);
      prefetch(kReadAhead * bytes + read_);
      if (!take(RecordView{packet, {hops, packet.hop_count}})) break;
      read_ += bytes;
    }
    taken_bytes_ += read_ - begin;
    return taken;
  }

  /// Gives the memory of the records taken back to the producer; answers how many bytes that is.
  std::size_t release() noexcept {
    // Pairs with the loads of the producer: reading is done before the memory is written again.
    released_.store(read_, std::memory_order_release);
    return std::exchange(taken_bytes_, 0);
  }

  /// From now on, once publish() leaves `bytes` or more to be read, it raises `event`: once, and
  /// not for what is there already unless more comes. `event` outlives the producer's publish().
  void call_at(std::size_t bytes, const WakeEvent& event) noexcept {
    event_.store(&event, std::memory_order_relaxed);
    call_at_.store(bytes, std::memory_order_release);
  }
  void call_off() noexcept { call_at_.store(kNever, std::memory_order_relaxed); }

  /// Bytes of memory for records. Any thread.
  [[nodiscard]] std::size_t capacity() const noexcept { return capacity_; }

 private:
  /// No restart before so many bytes: as much stays in a core's own cache.
  static constexpr std::size_t kRestartFrom = std::size_t{256} << 10;

  /// How many records ahead the reader fetches: what one takes that is only counted, some ns, is
  /// far less than a cache line takes to come, about 100.
  static constexpr std::size_t kReadAhead = 12;

  /// How many bytes ahead prefetch_room() fetches: two records of 18 hops, eight of 3.
  static constexpr std::size_t kWriteAhead = 3072;

  static constexpr std::size_t kLineBytes = 64;

  /// Of call_at(): nobody waits.
  static constexpr std::size_t kNever = ~std::size_t{0};

  /// A record whose fields are all 0. In parts: GCC makes of a whole one a `rep stos`, which takes
  /// longer to begin than to do.
  static PacketRecord* make_empty(std::byte* at) noexcept {
    constexpr std::size_t kPart = sizeof(PacketRecord) / 4;
    std::memset(at, 0, kPart);
    std::memset(at + kPart, 0, kPart);
    std::memset(at + 2 * kPart, 0, kPart);
    std::memset(at + 3 * kPart, 0, kPart);
    return reinterpret_cast<PacketRecord*>(at);
  }

  /// Bytes that may be written now.
  std::size_t room() noexcept {
    // Pairs with the store in release(): the consumer has finished reading what it frees.
    const std::uint64_t released = released_.load(std::memory_order_acquire);
    // What was skipped by a restart is free although the consumer has not come by.
    writable_end_ = std::max(released, restarted_.load(std::memory_order_relaxed)) + capacity_;
    return writable_end_ - written_;
  }

  /// Bytes that the consumer has still to read, as far as the producer knows without asking.
  [[nodiscard]] std::size_t unread_at_most() const noexcept {
    return written_ + capacity_ - writable_end_;
  }

  [[gnu::noinline]] void call() noexcept {
    room();  // asks
    if (unread_at_most() < call_at_.load(std::memory_order_relaxed)) return;
    // Pairs with the store in call_at(): the event is that of the call.
    if (call_at_.exchange(kNever, std::memory_order_acquire) == kNever) return;
    event_.load(std::memory_order_relaxed)->raise();
  }

  /// The two cache lines of the PacketRecord that likely stands there, as most records have the
  /// length of the one before. They are in the producer's cache, or were, and in no other.
  void prefetch(std::uint64_t position) const noexcept {
    const std::byte* at = memory_ + (position & (capacity_ - 1));
    __builtin_prefetch(at);
    __builtin_prefetch(at + kLineBytes);
  }

  Mapping twice_;
  std::size_t capacity_;
  std::byte* memory_;

  // Producer's line, consumer's line, and a line for each index that the other side reads.
  alignas(64) std::uint64_t written_ = 0;
  std::uint64_t writable_end_ = capacity_;  // at least
  alignas(64) std::uint64_t read_ = 0;
  std::size_t taken_bytes_ = 0;  // since the last release()
  alignas(64) std::atomic<std::uint64_t> published_{0};
  std::atomic<std::uint64_t> restarted_{0};  // positions below this hold nothing that is not read
  alignas(64) std::atomic<std::uint64_t> released_{0};
  std::atomic<std::size_t> call_at_{kNever};
  std::atomic<const WakeEvent*> event_{nullptr};
};

}  // namespace valinor::telemetry
