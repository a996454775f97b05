/// Frames to measure with, by short names.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>
#include <vector>

namespace valinor::bench {

/// "3x9": P4NetIntel with 3 traces of 9 bytes, "18x72" and so on; "valinor-n". Nothing: no such
/// traffic.
[[nodiscard]] std::optional<std::vector<std::byte>> make_frame(std::string_view traffic);

}  // namespace valinor::bench
