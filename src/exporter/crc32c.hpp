/// CRC32C (Castagnoli, reflected), one 64-bit word at a time, without inversion before or after:
/// what the x86 instruction computes, and the same by table for machines without it.
#pragma once

#include <array>
#include <cstdint>

#if defined(__SSE4_2__)
#include <nmmintrin.h>
#endif

namespace valinor::exporter::crc32c {

namespace detail {
consteval std::array<std::uint32_t, 256> make_table() {
  constexpr std::uint32_t kPolynomial = 0x82F63B78;
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t byte = 0; byte < 256; ++byte) {
    std::uint32_t crc = byte;
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) != 0 ? kPolynomial : 0);
    table[byte] = crc;
  }
  return table;
}
inline constexpr std::array<std::uint32_t, 256> kTable = make_table();
}  // namespace detail

/// Takes in the eight bytes of `word`, least significant first.
[[nodiscard]] constexpr std::uint32_t add_by_table(std::uint32_t crc, std::uint64_t word) noexcept {
  for (int byte = 0; byte < 8; ++byte, word >>= 8) {
    crc = (crc >> 8) ^ detail::kTable[(crc ^ word) & 0xFF];
  }
  return crc;
}

/// The same, by the CPU's instruction where the build may use it.
[[nodiscard]] inline std::uint32_t add(std::uint32_t crc, std::uint64_t word) noexcept {
#if defined(__SSE4_2__)
  return static_cast<std::uint32_t>(_mm_crc32_u64(crc, word));
#else
  return add_by_table(crc, word);
#endif
}

}  // namespace valinor::exporter::crc32c
