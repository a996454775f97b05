/// What `doctor` prints: for people a block for each interface, for programs JSON.
///
///   enp1s0f0
///    ok    queues      8 receive, 8 transmit; the configuration reads 0-3
///    FAIL  xdp         program xdp_filter (id 51, tag ..., native) is already attached
///                      next: bpftool link detach id 7
///    warn  offloads    rx-lro merges packets ...
///                      fix : ethtool -K enp1s0f0 rx-lro off
///
/// `fix :` is what --fix would do, `next:` what it would not.
#pragma once

#include <string>
#include <vector>

#include "doctor/diagnosis.hpp"

namespace valinor::doctor {

/// Diagnoses about one thing: "host", an interface, "redis".
struct Section {
  std::string name;
  Diagnoses diagnoses;
};

struct Report {
  std::vector<Section> sections;

  [[nodiscard]] std::size_t count(Level level) const;
  [[nodiscard]] std::size_t fixes() const;  // that --fix could make
};

/// With the summary as its last line.
[[nodiscard]] std::string to_text(const Report& report);

/// {"version": 1, "sections": [{"name": ..., "findings": [{"level", "topic", "text", "command",
/// "fixable"}]}], "problems": N, "warnings": N}, on several lines.
[[nodiscard]] std::string to_json_text(const Report& report);

}  // namespace valinor::doctor
