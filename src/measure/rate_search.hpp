/// Finds the highest load that something stands.
#pragma once

#include <cstdint>
#include <functional>

namespace valinor::measure {

/// The highest rate up to `highest` that `passes`, by halving until `resolution`, a share of
/// `highest`, is reached (RFC 2544, section 26.1); 0 where none does. `passes` should be true up to
/// some rate and false above; where it wavers, the answer has passed all the same.
[[nodiscard]] inline std::uint64_t find_rate(std::uint64_t highest, double resolution,
                                             const std::function<bool(std::uint64_t)>& passes) {
  if (highest == 0 || passes(highest)) return highest;
  const auto step = static_cast<double>(highest) * resolution;
  std::uint64_t low = 0;
  std::uint64_t high = highest;
  while (high - low > 1 && static_cast<double>(high - low) > step) {
    const std::uint64_t middle = low + (high - low) / 2;
    (passes(middle) ? low : high) = middle;
  }
  return low;
}

}  // namespace valinor::measure
