/// What the measurement of a link has found, for people, for programs and as a picture; and against
/// an earlier one.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "measure/comparison.hpp"
#include "measure/trial.hpp"

namespace valinor::measure {

/// How long packets took at one load.
struct DelayPoint {
  double load = 0;  // of the throughput; 0 where the rate was given
  TrialResult result;
};

struct LinkReport {
  std::string mode;  // "reflect", "forward"
  Environment environment;
  std::size_t frame_bytes = 0;         // without FCS
  std::optional<Spread> throughput;    // packets a second, sent without a loss; nothing: not sought
  bool sender_was_the_limit = false;   // ... and all that could be sent came back
  std::optional<std::uint64_t> burst;  // packets at once, without a loss; nothing: not sought
  std::vector<DelayPoint> delays;
};

/// Several lines.
[[nodiscard]] std::string to_text(const LinkReport& report);

/// One JSON object; docs/bench.md.
[[nodiscard]] std::string to_json(const LinkReport& report);

/// A page with the delays' distributions as a picture; needs nothing besides itself.
[[nodiscard]] std::string to_html(const LinkReport& report);

/// `threshold`: how much worse a figure may be, as a share. Throws std::invalid_argument where
/// `baseline` is no report of that mode.
[[nodiscard]] Comparison compare(const LinkReport& report, const std::string& baseline,
                                 double threshold);

}  // namespace valinor::measure
