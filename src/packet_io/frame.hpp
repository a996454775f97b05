/// A frame in a worker's hands: where its bytes are, and what the port needs to take it back.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "base/time.hpp"

namespace valinor::packet_io {

/// Moves, in spirit: whoever gives it to transmit() or recycle() has it no longer.
struct Frame {
  std::byte* data = nullptr;     // first byte of the Ethernet header
  std::uint32_t bytes = 0;       // length of the frame, without FCS
  std::uint32_t wire_bytes = 0;  // length on the wire; more than `bytes` where a capture cut it
  std::uint32_t headroom = 0;    // bytes in front of `data` that the frame may grow into
  std::uint64_t address = 0;     // the port's own name for the memory
  HostTime arrival;              // only from ports with kStampsArrival: else 0

  [[nodiscard]] std::span<std::byte> span() const noexcept { return {data, bytes}; }
};

/// Frames taken from RX per turn. 64 is what drivers move per NAPI poll. Smaller: more ring
/// updates per packet. Larger: the last packet of a burst is stamped late.
inline constexpr std::size_t kMaxBurst = 64;

}  // namespace valinor::packet_io
