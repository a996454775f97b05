/// Finishes what a sender on this machine left to a NIC that is not there.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace valinor::telemetry {

/// A frame from a veth peer may carry an unfinished UDP or TCP checksum (CHECKSUM_PARTIAL): the
/// field then holds the pseudo-header's sum, folded, not complemented, and the NIC would add the
/// rest. AF_XDP hands the frame on without saying so. Where the field equals that sum, the full
/// checksum is written: right in any case, also where a finished one was equal by chance. Anything
/// else stays as it is: UDP without checksum over IPv4 (0), fragments, other protocols, packets
/// that go on behind the frame's end.
///
/// `ip_offset`: where the IPv4 or IPv6 header stands, behind any telemetry. Answers whether the
/// checksum was written.
bool complete_checksum(std::span<std::byte> frame, std::uint32_t ip_offset) noexcept;

}  // namespace valinor::telemetry
