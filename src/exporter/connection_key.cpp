#include "exporter/connection_key.hpp"

#include <cstring>

#include "exporter/crc32c.hpp"

namespace valinor::exporter {
namespace {

/// valinor-c's trans_seed: the register's first value.
constexpr std::uint32_t kSeed = 0x252345;

constexpr std::array<std::byte, 12> kIpv4Mapped{
    std::byte{0}, std::byte{0}, std::byte{0}, std::byte{0}, std::byte{0},    std::byte{0},
    std::byte{0}, std::byte{0}, std::byte{0}, std::byte{0}, std::byte{0xFF}, std::byte{0xFF}};

std::uint64_t read_big_endian(const std::byte* bytes, std::size_t count) noexcept {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < count; ++i) {
    value = (value << 8) | std::to_integer<std::uint64_t>(bytes[i]);
  }
  return value;
}

}  // namespace

bool is_ipv4_mapped(const std::array<std::byte, 16>& address) noexcept {
  return std::memcmp(address.data(), kIpv4Mapped.data(), kIpv4Mapped.size()) == 0;
}

std::uint32_t to_address32(const std::array<std::byte, 16>& address) noexcept {
  if (is_ipv4_mapped(address)) {
    return static_cast<std::uint32_t>(read_big_endian(&address[12], 4));
  }
  // crc32c takes the least significant byte of a word first, so swapped words give the bytes in
  // the order of the address on every machine.
  const std::uint32_t half = crc32c::add(kSeed, __builtin_bswap64(read_big_endian(&address[0], 8)));
  return crc32c::add(half, __builtin_bswap64(read_big_endian(&address[8], 8)));
}

FiveTuple to_five_tuple(const telemetry::FlowKey& flow) noexcept {
  return {.source = to_address32(flow.source),
          .destination = to_address32(flow.destination),
          .source_port = flow.source_port,
          .destination_port = flow.destination_port,
          .protocol = flow.protocol};
}

std::uint32_t connection_key(const FiveTuple& flow) noexcept {
  const std::uint64_t destination = flow.destination | std::uint64_t{flow.destination_port} << 32;
  const std::uint64_t source =
      flow.source | std::uint64_t{flow.source_port} << 32 | std::uint64_t{flow.protocol} << 48;
  return crc32c::add(crc32c::add(kSeed, destination), source);
}

}  // namespace valinor::exporter
