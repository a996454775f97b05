/// A frame in a worker's hands: where its bytes are, and what the port needs to take it back.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "base/time.hpp"

namespace valinor::packet_io {

/// Who said when a frame arrived, besides us who read it from a ring.
enum class ArrivalStamp : std::uint8_t {
  none,
  hardware,  // the NIC: NicTime
  driver,    // the XDP program: MonotonicTime
};

/// By whose clock a port says when frames left.
enum class DepartureClock : std::uint8_t {
  nic,  // NicTime: as the NIC put it on the wire
  tai,  // CLOCK_TAI: as the kernel was done with it, once its driver had it
};

/// A frame that has left.
struct Departure {
  HostTime arrival;  // Frame::arrival, as it was when the frame was sent
  Nanos time{};      // when it left, by the port's DepartureClock; 0: nobody said
};

/// Moves, in spirit: whoever gives it to transmit() or recycle() has it no longer.
struct Frame {
  std::byte* data = nullptr;     // first byte of the Ethernet header
  std::uint32_t bytes = 0;       // that are here, without FCS
  std::uint32_t wire_bytes = 0;  // on the wire; more where a capture cut it, or where the port
                                 // holds the rest in further buffers, which go with this one
  std::uint32_t headroom = 0;    // bytes in front of `data` that the frame may grow into
  std::uint32_t flow_hash = 0;   // the NIC's; 0: none
  std::uint64_t address = 0;     // the port's own name for the memory
  HostTime arrival{};            // from ports with kStampsArrival; else the worker's, for Departure
  Nanos stamp{};                 // time of arrival by the clock that `stamped_by` says
  ArrivalStamp stamped_by = ArrivalStamp::none;

  // For a port that sends, where it can (AfxdpPort::transmit_grants()).
  std::uint16_t checksum_start = 0;   // what the checksum covers goes from here to the end
  std::uint16_t checksum_offset = 0;  // where it belongs, behind that; 0: none is asked for
  std::uint64_t launch_ns = 0;        // not before this time, by the DepartureClock; 0: at once

  [[nodiscard]] std::span<std::byte> span() const noexcept { return {data, bytes}; }
};

static_assert(sizeof(Frame) == 64);  // a cache line

/// Frames taken from RX per turn. 64 is what drivers move per NAPI poll. Smaller: more ring
/// updates per packet. Larger: the last packet of a burst waits longer for its turn.
inline constexpr std::size_t kMaxBurst = 64;

/// Buffers of a packet: as many as Linux puts into one of its own, MAX_SKB_FRAGS and the one that
/// they hang on. Longer ones it could not send.
inline constexpr std::uint32_t kMaxBuffers = 18;

}  // namespace valinor::packet_io
