/// `bench reflect` and `bench forward`: throughput without a loss, bursts and delays of whatever
/// sends packets back or on.
#pragma once

#include "app/bench_options.hpp"
#include "app/events.hpp"
#include "measure/link_report.hpp"

namespace valinor::app {

/// A signal ends it early, with what has been found. Throws Failure (BENCH-RETURN-01 where nothing
/// comes back).
[[nodiscard]] measure::LinkReport bench_link(const BenchCommand& command, Signals& signals);

}  // namespace valinor::app
