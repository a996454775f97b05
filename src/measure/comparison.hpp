/// What reports of bench have in common, and what one says that is held against an earlier one.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <utility>
#include <vector>

namespace valinor::measure {

/// Of the reports' form as JSON; a member that comes on top does not change it.
inline constexpr int kReportFormat = 2;

/// What was measured with: name and value, in the order in which they are shown.
using Environment = std::vector<std::pair<std::string, std::string>>;

/// Of several measurements of the same.
struct Spread {
  double median = 0, least = 0, most = 0;
};

/// Of at least one value.
[[nodiscard]] Spread spread_of(std::vector<double> values);

enum class Better : std::uint8_t { more, less };

/// A comparison with a report that was kept as JSON.
struct Comparison {
  std::string text;    // a line for each figure
  bool worse = false;  // one of them, by more than was allowed
};

/// A figure of both reports.
struct ComparedFigure {
  std::string name;
  double before = 0;
  double now = 0;
  Better better = Better::more;
};

/// Adds its line; it is worse by more than `threshold`, a share, or not.
void add_figure(const ComparedFigure& figure, double threshold, Comparison& out);

/// How a report of `mode` begins: format, mode, environment.
[[nodiscard]] nlohmann::ordered_json begin_report(const std::string& mode,
                                                  const Environment& environment);

/// {"median": ..., "min": ..., "max": ...}
[[nodiscard]] nlohmann::ordered_json to_object(const Spread& spread);

/// One name and value a line.
[[nodiscard]] std::string to_text(const Environment& environment);

/// Throws std::invalid_argument where `text` is no report of that mode.
[[nodiscard]] nlohmann::ordered_json read_report(const std::string& text, const std::string& mode);

}  // namespace valinor::measure
