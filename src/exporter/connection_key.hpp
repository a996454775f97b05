/// Valinor's name for a flow: 32 bits of CRC32C over its 5-tuple. The notebooks group records by
/// it, so it must equal valinor-c's bit by bit.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "telemetry/record.hpp"

namespace valinor::exporter {

/// A flow in the 32-bit addresses that Valinor's records have room for; host byte order.
struct FiveTuple {
  std::uint32_t source = 0;
  std::uint32_t destination = 0;
  std::uint16_t source_port = 0;
  std::uint16_t destination_port = 0;
  std::uint8_t protocol = 0;

  friend bool operator==(const FiveTuple&, const FiveTuple&) = default;
};

/// Whether it is ::ffff:a.b.c.d.
[[nodiscard]] bool is_ipv4_mapped(const std::array<std::byte, 16>& address) noexcept;

/// An IPv4-mapped address (::ffff:a.b.c.d) as its IPv4 address. Any other address does not fit and
/// becomes a hash: CRC32C over its 16 bytes from the register that connection_key() starts with.
[[nodiscard]] std::uint32_t to_address32(const std::array<std::byte, 16>& address) noexcept;

[[nodiscard]] FiveTuple to_five_tuple(const telemetry::FlowKey& flow) noexcept;

/// Directional: the way back has another key.
[[nodiscard]] std::uint32_t connection_key(const FiveTuple& flow) noexcept;

}  // namespace valinor::exporter
