/// Files of Valinor rows for numpy: numpy.load(NAME, mmap_mode="r") gives an array of records.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

namespace valinor::exporter {

/// Of the headers that we write: padded so that entries begin at a multiple of 64 bytes, and so
/// that any count fits.
inline constexpr std::size_t kNpyHeaderBytes = 320;

/// kNpyHeaderBytes of numpy's format 1.0, for so many ValinorRows behind them.
[[nodiscard]] std::string make_npy_header(std::uint64_t entries);

/// What stands in a file behind its header.
struct NpyContent {
  std::size_t header_bytes = 0;
  std::uint64_t entries = 0;
};

/// Reads the header of an array of ValinorRows, ours or one that numpy.save() has written; nothing:
/// it is of something else. `start` are the file's first bytes, 4096 are enough.
[[nodiscard]] std::optional<NpyContent> parse_npy_header(std::span<const std::byte> start);

}  // namespace valinor::exporter
