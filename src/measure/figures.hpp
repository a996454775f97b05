/// What is reported by the modes of bench that measure no link: for each case the same figures, of
/// several trials, and what was counted over all of them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "measure/comparison.hpp"

namespace valinor::measure {

struct Figure {
  std::string name;   // the member's, in JSON: "ns_per_packet"
  std::string label;  // for people: "ns/packet"
  Spread value;
  std::optional<Better> better;  // nothing: it is not compared
  int decimals = 0;              // for people
};

/// What was measured in one way.
struct Case {
  std::string name;  // no two of a report are called the same
  std::vector<Figure> figures;
  std::vector<std::pair<std::string, std::uint64_t>> counts;
};

struct FigureReport {
  std::string mode;  // "decode"
  Environment environment;
  std::vector<Case> cases;
};

/// Several lines.
[[nodiscard]] std::string to_text(const FigureReport& report);

/// One JSON object; docs/bench.md.
[[nodiscard]] std::string to_json(const FigureReport& report);

/// Case by case, those that both have; counts are not compared. `threshold`: how much worse a
/// figure may be, as a share. Throws std::invalid_argument where `baseline` is no report of that
/// mode, or has none of these cases.
[[nodiscard]] Comparison compare(const FigureReport& report, const std::string& baseline,
                                 double threshold);

}  // namespace valinor::measure
