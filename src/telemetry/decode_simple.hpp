/// The short way for what nearly all packets are, in one pass over the frame:
///
///   P4NetIntel  Ethernet | int_header | traces | IPv4 | UDP | RPC id
///   Valinor-N   Ethernet | IPv4 | tna_timestamps | ports
///
/// without VLAN tag, int_host and IPv4 options, whole, and of the layout that is expected. It
/// judges nothing: whatever is otherwise, broken or cut is left to the long way (decode.cpp), which
/// knows why. Of what it takes both say the same; a test holds them against each other.
#pragma once

#include "telemetry/anatomy.hpp"
#include "telemetry/format/p4netintel.hpp"
#include "telemetry/record_ring.hpp"
#include "wire/reader.hpp"

namespace valinor::telemetry {

// Both: `frame` is all of the packet and has no VLAN tag, `slot.packet` is as it was reserved, and
// `anatomy` as it was made, or null where nobody asks. False where the packet is another one: then
// the hops of `slot` hold nothing of use, and nothing else has changed.

/// Of a packet that matched by its ethertype. `guessed`: the layout is not configured, so that a
/// single trace needs a good IPv4 checksum.
[[nodiscard]] bool decode_simple_p4netintel(wire::Bytes frame, const RecordSlot& slot,
                                            Anatomy* anatomy, bool guessed,
                                            p4netintel::Layout layout) noexcept;

/// Of a packet that matched by its IP protocol.
[[nodiscard]] bool decode_simple_valinor_n(wire::Bytes frame, const RecordSlot& slot,
                                           Anatomy* anatomy) noexcept;

}  // namespace valinor::telemetry
