/// Packets of several buffers: which frame of packet memory follows which.
///
///   Frame (its first buffer) -> second buffer -> third buffer
///
/// A table beside packet memory, one entry for each of its frames. There is none until a port that
/// receives such packets asks for it; of a packet that is one frame, nothing stands in it. The
/// worker's thread.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "packet_io/afxdp/umem.hpp"
#include "packet_io/frame.hpp"

namespace valinor::packet_io::afxdp {

class PacketChains {
 public:
  /// A piece of a packet; no bytes: there is none.
  struct Buffer {
    std::uint64_t address = 0;
    std::uint32_t bytes = 0;
  };

  void enable(const Umem& umem) {
    frame_size_ = umem.frame_size();
    entries_.resize(umem.frames());
  }
  /// No packet is of several buffers any more.
  void reset() noexcept { std::fill(entries_.begin(), entries_.end(), Entry{}); }

  [[nodiscard]] bool enabled() const noexcept { return !entries_.empty(); }

  // Below: once enabled, and for addresses in packet memory.

  /// What follows the buffer at `address`.
  [[nodiscard]] Buffer after(std::uint64_t address) const noexcept { return entry(address).next; }
  void link(std::uint64_t address, Buffer next) noexcept { entry(address).next = next; }
  /// Nothing follows any more; answers what did.
  Buffer cut(std::uint64_t address) noexcept {
    const Buffer next = entry(address).next;
    entry(address).next = {};
    return next;
  }

  /// Buffers of a frame's packet: 1 where it is that frame alone.
  [[nodiscard]] std::uint32_t buffers_of(const Frame& frame) const noexcept {
    std::uint32_t buffers = 1;
    if (frame.wire_bytes <= frame.bytes) return buffers;
    for (Buffer next = after(frame.address); next.bytes != 0; next = after(next.address)) ++buffers;
    return buffers;
  }

  /// A buffer on its way out that is not its packet's first; unmark() answers whether it was one.
  void mark(std::uint64_t address) noexcept { entry(address).is_later_buffer = true; }
  bool unmark(std::uint64_t address) noexcept {
    const bool was_marked = entry(address).is_later_buffer;
    entry(address).is_later_buffer = false;
    return was_marked;
  }

 private:
  struct Entry {
    Buffer next;
    bool is_later_buffer = false;
  };

  [[nodiscard]] const Entry& entry(std::uint64_t address) const noexcept {
    return entries_[address / frame_size_];
  }
  [[nodiscard]] Entry& entry(std::uint64_t address) noexcept {
    return entries_[address / frame_size_];
  }

  std::uint32_t frame_size_ = 1;
  std::vector<Entry> entries_;
};

}  // namespace valinor::packet_io::afxdp
