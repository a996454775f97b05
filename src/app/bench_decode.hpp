/// `bench decode`: what telemetry in memory costs to turn into records.
#pragma once

#include "app/bench_options.hpp"
#include "app/events.hpp"
#include "measure/figures.hpp"

namespace valinor::app {

/// A signal ends it early, with the cases that were finished. Throws Failure (BENCH-DECODE-01).
[[nodiscard]] measure::FigureReport bench_decode(const BenchCommand& command, Signals& signals);

}  // namespace valinor::app
