/// Frames to measure with, by short names.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "traffic/frame_template.hpp"

namespace valinor::bench {

/// Frames of one length, at least one.
struct Frames {
  std::vector<std::byte> bytes;  // one after another
  std::size_t frame_bytes = 0;   // of each

  [[nodiscard]] std::size_t count() const noexcept { return bytes.size() / frame_bytes; }
  [[nodiscard]] std::span<const std::byte> at(std::size_t index) const noexcept {
    return std::span{bytes}.subspan(index * frame_bytes, frame_bytes);
  }
};

/// What make_frames() makes, to be made elsewhere.
[[nodiscard]] std::optional<traffic::FrameConfig> to_config(std::string_view traffic) noexcept;

/// "3x9": P4NetIntel with 3 traces of 9 bytes, "18x72" and so on; "valinor-n". Behind it, in this
/// order: "+500", so many bytes of payload, 0 to 1400; "*64", one frame each of so many flows, 1 to
/// 65536. Nothing: no such traffic.
[[nodiscard]] std::optional<Frames> make_frames(std::string_view traffic);

}  // namespace valinor::bench
