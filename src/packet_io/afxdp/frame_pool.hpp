/// The packet memory of one worker, and its frames that are in no ring: the free list.
///
/// One port uses it, or the two ports between which a worker passes frames on: a frame received by
/// one is sent by the other where it is. Each port registers the memory with its own socket, rather
/// than one port sharing the other's UMEM: a shared one inherits the first socket's mode (so a
/// NIC with zero-copy could not be paired with one without), and drivers batch transmission only
/// for pools with a single socket.
///
/// The worker's thread only, after set-up.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "packet_io/afxdp/config.hpp"
#include "packet_io/afxdp/packet_chains.hpp"
#include "packet_io/afxdp/umem.hpp"

namespace valinor::packet_io::afxdp {

class FramePool {
 public:
  /// Throws std::system_error where memory is short.
  explicit FramePool(const UmemConfig& config);
  FramePool(const FramePool&) = delete;
  FramePool& operator=(const FramePool&) = delete;

  /// All frames are free again. Only while no socket has the memory.
  void reset() noexcept;

  [[nodiscard]] const Umem& memory() const noexcept { return memory_; }
  [[nodiscard]] PacketChains& chains() noexcept { return chains_; }
  [[nodiscard]] std::size_t free() const noexcept { return free_count_; }

  /// The address of a free frame's first byte; only while free() is not 0.
  [[nodiscard]] std::uint64_t take() noexcept { return free_[--free_count_]; }

  /// Calls `put(i, address)` for `count` of them, i from 0; only while free() is as many.
  template <class Put>
  void take(std::uint32_t count, Put&& put) noexcept {
    const std::uint64_t* top = free_.data() + free_count_;
    for (std::uint32_t i = 0; i < count; ++i) put(i, *--top);
    free_count_ -= count;
  }

  /// Takes the frame around `address` back; false where there is none: nothing is done then.
  bool give(std::uint64_t address) noexcept {
    return give(1, [&](std::size_t) { return address; }) == 0;
  }

  /// The same with those around address_of(0) to address_of(count - 1); answers around how many of
  /// these there is none.
  template <class AddressOf>
  std::size_t give(std::size_t count, AddressOf&& address_of) noexcept {
    std::uint64_t* top = free_.data() + free_count_;
    const std::uint64_t* const end = free_.data() + free_.size();
    std::size_t none = 0;
    for (std::size_t i = 0; i < count; ++i) {
      const std::uint64_t address = address_of(i);
      if (!memory_.holds(address) || top == end) [[unlikely]] {
        ++none;
      } else {
        *top++ = memory_.start_of(address);
      }
    }
    free_count_ = static_cast<std::size_t>(top - free_.data());
    return none;
  }

  /// Frames in the worker's hands: ports say so when they hand them out and take them back.
  [[nodiscard]] std::uint64_t in_worker() const noexcept { return in_worker_; }
  void handed_out(std::uint64_t frames) noexcept { in_worker_ += frames; }
  void came_back(std::uint64_t frames) noexcept { in_worker_ -= frames; }

 private:
  Umem memory_;
  // A stack, so that the frame used next is warm in the cache; the first free_count_ are on it.
  std::vector<std::uint64_t> free_;
  std::size_t free_count_ = 0;
  PacketChains chains_;
  std::uint64_t in_worker_ = 0;
};

}  // namespace valinor::packet_io::afxdp
