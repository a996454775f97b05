/// Finishes what a sender on this machine left to a NIC that is not there.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "wire/reader.hpp"

namespace valinor::telemetry {

/// A frame from a veth peer may carry an unfinished UDP or TCP checksum (CHECKSUM_PARTIAL): the
/// field then holds the pseudo-header's sum, folded, not complemented, and the NIC would add the
/// rest. AF_XDP hands the frame on without saying so. Where the field equals that sum, the full
/// checksum is written: right in any case, also where a finished one was equal by chance. Anything
/// else stays as it is: UDP without checksum over IPv4 (0), fragments, other protocols, packets
/// that go on behind the frame's end, unless they do so in `rest`.
///
/// `ip_offset`: where the IPv4 or IPv6 header stands, behind any telemetry. Answers whether the
/// checksum was written.
bool complete_checksum(std::span<std::byte> frame, std::uint32_t ip_offset,
                       std::span<const wire::Bytes> rest = {}) noexcept;

/// Where a NIC would find such a checksum's work.
struct UnfinishedChecksum {
  std::uint16_t start;   // of what it covers: from here to the end of the frame
  std::uint16_t offset;  // of its field, behind that; never 0
};

/// Nothing where there is none, or where more follows than it covers (padding): a NIC would add
/// that.
[[nodiscard]] std::optional<UnfinishedChecksum> find_unfinished_checksum(
    std::span<const std::byte> frame, std::uint32_t ip_offset) noexcept;

}  // namespace valinor::telemetry
