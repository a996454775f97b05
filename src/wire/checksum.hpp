/// The Internet checksum, RFC 1071.
#pragma once

#include <cstdint>

#include "wire/reader.hpp"

namespace valinor::wire {

/// Ones' complement sum of the bytes, folded to 16 bits, `start` included; an odd last byte counts
/// as the upper half of a word. Not complemented.
[[nodiscard]] std::uint16_t ones_complement_sum(Bytes bytes, std::uint32_t start = 0) noexcept;

/// Whether an IPv4 header with its checksum in place adds up, as RFC 791, section 3.1 asks.
[[nodiscard]] inline bool ipv4_checksum_holds(Bytes header) noexcept {
  return ones_complement_sum(header) == 0xffff;
}

}  // namespace valinor::wire
