/// The packet memory of one worker, and its frames that are in no ring: the free list.
///
/// One port uses it, or the two ports between which a worker passes frames on: a frame received by
/// one is sent by the other where it is. Each port registers the memory with its own socket, rather
/// than one socket sharing the other's UMEM: a shared one inherits the first socket's mode (so a
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
  [[nodiscard]] std::size_t free() const noexcept { return free_.size(); }

  /// The address of a free frame's first byte; only while free() is not 0.
  [[nodiscard]] std::uint64_t take() noexcept {
    const std::uint64_t address = free_.back();
    free_.pop_back();
    return address;
  }

  /// Takes the frame around `address` back; false where there is none: nothing is done then.
  bool give(std::uint64_t address) noexcept {
    if (!memory_.holds(address) || free_.size() == memory_.frames()) return false;
    free_.push_back(memory_.start_of(address));
    return true;
  }

  /// Frames in the worker's hands: ports say so when they hand them out and take them back.
  [[nodiscard]] std::uint64_t in_worker() const noexcept { return in_worker_; }
  void handed_out(std::uint64_t frames) noexcept { in_worker_ += frames; }
  void came_back(std::uint64_t frames) noexcept { in_worker_ -= frames; }

 private:
  Umem memory_;
  std::vector<std::uint64_t> free_;  // a stack, so that the frame used next is warm in the cache
  PacketChains chains_;
  std::uint64_t in_worker_ = 0;
};

}  // namespace valinor::packet_io::afxdp
