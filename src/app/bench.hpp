/// `valinor-afxdp bench`: measures what its mode says, and holds it against an earlier report;
/// docs/bench.md.
#pragma once

#include "app/bench_options.hpp"
#include "app/config.hpp"
#include "app/events.hpp"
#include "base/failure.hpp"

namespace valinor::app {

/// Prints the report; comparison_failed where it is worse than the one it is compared with. A
/// signal ends it early, with what has been found. `config` counts where reads_configuration().
/// Throws Failure.
[[nodiscard]] ExitStatus bench(const BenchCommand& command, const Config& config, Signals& signals);

}  // namespace valinor::app
