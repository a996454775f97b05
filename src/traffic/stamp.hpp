/// What a measured packet carries as its last bytes, so that whoever gets it back can tell what was
/// lost, overtaken or late. At the very end, as telemetry comes and goes in front of the payload.
///
///   magic 4, measurement 4, number 8, sent 8       all big-endian
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "base/time.hpp"
#include "wire/be.hpp"

namespace valinor::traffic {

struct Stamp {
  std::uint32_t measurement = 0;  // which one the packet belongs to
  std::uint64_t number = 0;       // of the packet in it, from 0
  Nanos sent{0};                  // by a clock of the sender's choice
};

inline constexpr std::size_t kStampBytes = 24;
inline constexpr std::uint32_t kStampMagic = 0x76535450;  // "vSTP"

inline void write_stamp(const Stamp& stamp, std::span<std::byte, kStampBytes> out) noexcept {
  wire::store_be<4>(out.data(), kStampMagic);
  wire::store_be<4>(out.data() + 4, stamp.measurement);
  wire::store_be<8>(out.data() + 8, stamp.number);
  wire::store_be<8>(out.data() + 16, static_cast<std::uint64_t>(stamp.sent.count()));
}

/// Nothing where the frame carries none.
[[nodiscard]] inline std::optional<Stamp> read_stamp(std::span<const std::byte> frame) noexcept {
  if (frame.size() < kStampBytes) return std::nullopt;
  const std::byte* at = frame.data() + frame.size() - kStampBytes;
  if (wire::load_be<4>(at) != kStampMagic) return std::nullopt;
  return Stamp{.measurement = static_cast<std::uint32_t>(wire::load_be<4>(at + 4)),
               .number = wire::load_be<8>(at + 8),
               .sent = Nanos{static_cast<std::int64_t>(wire::load_be<8>(at + 16))}};
}

}  // namespace valinor::traffic
