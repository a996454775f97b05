/// The frames of tests/golden/golden.txt.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace valinor::test {

struct GoldenFrame {
  std::string name;  // "p4netintel_cs1_n3"
  std::vector<std::byte> bytes;
};

/// All frames, in the file's order; the folder is given by the build (VALINOR_GOLDEN).
[[nodiscard]] std::vector<GoldenFrame> golden_frames();

/// The path of a file under tests/golden/.
[[nodiscard]] std::string golden_path(const std::string& name);

/// Bytes from pairs of hex digits; spaces are skipped.
[[nodiscard]] std::vector<std::byte> from_hex(const std::string& hex);

}  // namespace valinor::test
