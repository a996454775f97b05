/// Valinor-N: timestamp packets that a switch makes of mirrored ones (hopnets/valinor-n).
///
///   Ethernet | IPv4, protocol 253 | options | tna_timestamps 46 bytes | ports 4 | rest, cut short
///
/// IPv4's total length is not updated and the inner checksums mean nothing.
#pragma once

#include <cstddef>
#include <cstdint>

#include "telemetry/record.hpp"
#include "wire/be.hpp"

namespace valinor::telemetry::valinor_n {

inline constexpr std::uint16_t kUnknownLength = 0xfffc;  // 0 - 4: ingress mirrors know no length

struct Timestamps {      // tna_timestamps_h of valinor-n's P4 program
  wire::Be<1> protocol;  // the original's IPv4 protocol
  wire::Be<1> padding_1;
  wire::Be<6>
      ingress_mac;  // always 0, unlike at this place in IFA 2.0, which has the same protocol number
  wire::Be<2> padding_2;
  wire::Be<6> ingress_global;  // ns of the switch's clock; wraps after 78 h
  wire::Be<4> enqueue;         // low 18 bits: when the copy was queued
  wire::Be<4> dequeue_delta;   // ns that the original waited in the queue
  wire::Be<2> padding_3;
  wire::Be<6> egress_global;  // never set
  wire::Be<2> padding_4;
  wire::Be<6> egress_tx;      // never set
  wire::Be<2> packet_length;  // the original's, without FCS
  wire::Be<4> padding_5;      // 4 bytes; valinor-c's C struct has only 2 of them
};
static_assert(sizeof(Timestamps) == 46);

inline constexpr std::uint32_t kEnqueueMask = 0x3ffff;

/// False of what has this protocol number and is something else. `stamps`: a whole Timestamps.
[[nodiscard]] inline bool is_valinor_n(const std::byte* stamps) noexcept {
  return wire::load_48(stamps + offsetof(Timestamps, ingress_mac)) == 0;
}

/// What the header says of the original packet, into its record; not the protocol, which is the
/// flow's.
inline void take_stamps(const std::byte* stamps, PacketRecord& packet) noexcept {
  using wire::load_be;
  packet.format = Format::valinor_n;
  packet.flags |= flag::kSwitchTime;
  packet.switch_time = {Nanos{
      static_cast<std::int64_t>(wire::load_48(stamps + offsetof(Timestamps, ingress_global)))}};
  packet.enqueue = load_be<4>(stamps + offsetof(Timestamps, enqueue)) & kEnqueueMask;
  packet.queue_delay = load_be<4>(stamps + offsetof(Timestamps, dequeue_delta));
  packet.packet_bytes = load_be<2>(stamps + offsetof(Timestamps, packet_length));
  if (packet.packet_bytes == kUnknownLength) {
    packet.packet_bytes = 0;
    packet.flags |= flag::kLengthUnknown;
  }
}

}  // namespace valinor::telemetry::valinor_n
