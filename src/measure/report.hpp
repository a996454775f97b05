/// What a benchmark has found, for people, for programs and as a picture; and against an earlier
/// one.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "measure/trial.hpp"

namespace valinor::measure {

/// Of several measurements of the same.
struct Spread {
  double median = 0, least = 0, most = 0;
};

/// Of at least one value.
[[nodiscard]] Spread spread_of(std::vector<double> values);

/// How long packets took at one load.
struct DelayPoint {
  double load = 0;  // of the throughput; 0 where the rate was given
  TrialResult result;
};

struct Report {
  std::vector<std::pair<std::string, std::string>> environment;  // what was measured with
  std::size_t frame_bytes = 0;                                   // without FCS
  std::optional<Spread> throughput;    // packets a second, sent without a loss; nothing: not sought
  bool sender_was_the_limit = false;   // ... and all that could be sent came back
  std::optional<std::uint64_t> burst;  // packets at once, without a loss; nothing: not sought
  std::vector<DelayPoint> delays;
};

/// Several lines.
[[nodiscard]] std::string to_text(const Report& report);

/// One JSON object; docs/bench.md.
[[nodiscard]] std::string to_json(const Report& report);

/// A page with the delays' distributions as a picture; needs nothing besides itself.
[[nodiscard]] std::string to_html(const Report& report);

/// A comparison with a report that was kept as JSON.
struct Comparison {
  std::string text;    // a line for each figure
  bool worse = false;  // one of them, by more than was allowed
};

/// `threshold`: how much worse a figure may be, as a share. Throws std::invalid_argument where
/// `baseline` is no such report.
[[nodiscard]] Comparison compare(const Report& report, const std::string& baseline,
                                 double threshold);

}  // namespace valinor::measure
