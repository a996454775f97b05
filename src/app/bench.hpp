/// `valinor-afxdp bench`: throughput without a loss, bursts and delays of whatever sends packets
/// back or on; docs/bench.md.
#pragma once

#include "app/events.hpp"
#include "app/traffic_options.hpp"
#include "base/failure.hpp"

namespace valinor::app {

/// Prints the report; comparison_failed where it is worse than the one it is compared with. A
/// signal ends it early, with what has been found. Throws Failure (BENCH-RETURN-01 where nothing
/// comes back).
[[nodiscard]] ExitStatus bench(const BenchCommand& command, Signals& signals);

}  // namespace valinor::app
