/// The Internet checksum, RFC 1071, and where UDP and TCP keep theirs.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "wire/packet.hpp"
#include "wire/reader.hpp"

namespace valinor::wire {

/// Ones' complement sum of the bytes, folded to 16 bits, `start` included; an odd last byte counts
/// as the upper half of a word. Not complemented.
[[nodiscard]] std::uint16_t ones_complement_sum(Bytes bytes, std::uint32_t start = 0) noexcept;

/// Whether an IPv4 header with its checksum in place adds up, as RFC 791, section 3.1 asks.
[[nodiscard]] inline bool ipv4_checksum_holds(Bytes header) noexcept {
  return ones_complement_sum(header) == 0xffff;
}

/// The same of a header without options, which stands at `header`, all of it.
[[nodiscard]] inline bool plain_ipv4_checksum_holds(const std::byte* header) noexcept {
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < sizeof(Ipv4Header); i += 4) sum += load_be<4>(header + i);
  sum = (sum & 0xffff) + (sum >> 16 & 0xffff) + (sum >> 32);
  return (sum & 0xffff) + (sum >> 16) == 0xffff;
}

/// The checksum after one 16-bit word that it covers has changed: RFC 1624, equation 3. Equal to
/// a full sum as long as anything that it covers is not 0.
[[nodiscard]] std::uint16_t updated_checksum(std::uint16_t checksum, std::uint16_t before,
                                             std::uint16_t after) noexcept;

/// The same for bytes that stood at an even offset and were replaced by as many; of an odd number
/// the last one is the end of what the checksum covers.
[[nodiscard]] std::uint16_t updated_checksum(std::uint16_t checksum, Bytes before,
                                             Bytes after) noexcept;

/// The UDP or TCP part of a packet, as far as its checksum covers it.
struct Transport {
  std::uint8_t protocol;          // UDP or TCP
  std::uint32_t offset;           // from the IP header's first byte
  std::uint32_t bytes;            // header and payload
  std::uint32_t checksum_offset;  // from the IP header's first byte
};

/// Finds it in `packet`, which starts at the IP header `ip` and may carry padding behind. Nothing
/// where there is none to compute: another protocol, a fragment, or lengths that the packet or
/// each other contradict. `elsewhere`: bytes that the packet has besides those.
[[nodiscard]] std::optional<Transport> find_transport(Bytes packet, const Ip& ip,
                                                      std::size_t elsewhere = 0) noexcept;

/// Sum of the pseudo-header: RFC 768, RFC 9293, section 3.1, and RFC 8200, section 8.1; folded, not
/// complemented. The destination is the one in the IP header, also where a routing header or a
/// source route names a later one.
[[nodiscard]] std::uint16_t pseudo_header_sum(Bytes packet, const Ip& ip,
                                              const Transport& transport) noexcept;

/// The checksum that belongs into the field, whatever stands there now. Of UDP never 0, which
/// would mean "none". The packet goes on in `rest`, in that order.
[[nodiscard]] std::uint16_t transport_checksum(Bytes packet, const Ip& ip,
                                               const Transport& transport,
                                               std::span<const Bytes> rest = {}) noexcept;

}  // namespace valinor::wire
