/// What the catalogue of runs says of one run. docs/redis.md has the members.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "app/config.hpp"
#include "app/json_form.hpp"
#include "app/totals.hpp"
#include "app/wiring.hpp"
#include "base/failure.hpp"
#include "base/time.hpp"
#include "clock/quality.hpp"
#include "exporter/gaps.hpp"

namespace valinor::app {

/// As far as the start knows it. `configuration` is what print_effective() gives, which has no
/// secrets; `now` is on the clock that records' times are of.
[[nodiscard]] Json begin_entry(const Config& config, const std::string& configuration,
                               const Wiring& wiring, const clock::ClockQuality& clock,
                               HostTime now);

/// How the run ended.
struct RunEnd {
  std::string why;  // the name of a signal, or what else
  HostTime at;
  std::chrono::duration<double> elapsed{};
  ExitStatus status = ExitStatus::done;
  std::string lost_links;  // Recovery::describe()
};

/// Adds the end.
void end_entry(Json& entry, const RunEnd& end, const Counted& counted,
               const std::vector<exporter::StoreGaps>& gaps, const clock::ClockQuality& clock);

}  // namespace valinor::app
