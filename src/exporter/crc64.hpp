/// The CRC that ends Redis' RDB files and DUMP payloads: 64 bits, Jones' polynomial, reflected,
/// first value 0, no inversion. "123456789" gives e9c6d914c4b8d9ca.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

namespace valinor::exporter::crc64 {

namespace detail {
/// Eight tables take in eight bytes at a time.
using Tables = std::array<std::array<std::uint64_t, 256>, 8>;

consteval Tables make_tables() {
  constexpr std::uint64_t kPolynomial = 0x95ac9329ac4bc9b5;  // 0xad93d23594c935a9, reflected
  Tables tables{};
  for (std::uint64_t byte = 0; byte < 256; ++byte) {
    std::uint64_t crc = byte;
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) != 0 ? kPolynomial : 0);
    tables[0][byte] = crc;
  }
  for (std::size_t byte = 0; byte < 256; ++byte) {
    for (std::size_t n = 1; n < 8; ++n) {
      const std::uint64_t before = tables[n - 1][byte];
      tables[n][byte] = (before >> 8) ^ tables[0][before & 0xFF];
    }
  }
  return tables;
}
inline constexpr Tables kTables = make_tables();
}  // namespace detail

[[nodiscard]] inline std::uint64_t add(std::uint64_t crc,
                                       std::span<const std::byte> bytes) noexcept {
  static_assert(std::endian::native == std::endian::little);
  using detail::kTables;
  while (bytes.size() >= sizeof crc) {
    std::uint64_t word = 0;
    std::memcpy(&word, bytes.data(), sizeof word);
    crc ^= word;
    crc = kTables[7][crc & 0xFF] ^ kTables[6][crc >> 8 & 0xFF] ^ kTables[5][crc >> 16 & 0xFF] ^
          kTables[4][crc >> 24 & 0xFF] ^ kTables[3][crc >> 32 & 0xFF] ^
          kTables[2][crc >> 40 & 0xFF] ^ kTables[1][crc >> 48 & 0xFF] ^ kTables[0][crc >> 56];
    bytes = bytes.subspan(sizeof word);
  }
  for (const std::byte byte : bytes) {
    crc = (crc >> 8) ^ kTables[0][(crc ^ std::to_integer<std::uint64_t>(byte)) & 0xFF];
  }
  return crc;
}

}  // namespace valinor::exporter::crc64
