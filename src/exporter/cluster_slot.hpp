/// The slot of a Redis Cluster that a key belongs to (Redis Cluster Specification, "Key
/// distribution model" and "Hash tags").
#pragma once

#include <cstdint>
#include <string_view>

namespace valinor::exporter {

inline constexpr std::uint16_t kClusterSlots = 16384;

/// CRC16 (XMODEM) of what stands between the first '{' and the next '}', or of all of the key where
/// that is nothing.
[[nodiscard]] constexpr std::uint16_t cluster_slot(std::string_view key) noexcept {
  const std::size_t open = key.find('{');
  if (open != std::string_view::npos) {
    const std::size_t close = key.find('}', open + 1);
    if (close != std::string_view::npos && close != open + 1) {
      key = key.substr(open + 1, close - open - 1);
    }
  }
  std::uint32_t crc = 0;
  for (const char c : key) {
    crc ^= std::uint32_t{static_cast<unsigned char>(c)} << 8;
    for (int bit = 0; bit < 8; ++bit) {
      crc = (crc & 0x8000) != 0 ? (crc << 1) ^ 0x1021 : crc << 1;
    }
    crc &= 0xFFFF;
  }
  return static_cast<std::uint16_t>(crc % kClusterSlots);
}

}  // namespace valinor::exporter
