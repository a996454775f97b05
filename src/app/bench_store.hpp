/// `bench export`: how many records the configured stores take, each of them on its own.
#pragma once

#include "app/bench_options.hpp"
#include "app/events.hpp"
#include "exporter/config.hpp"
#include "measure/figures.hpp"

namespace valinor::app {

/// Records go from a ring through an Exporter, as in a run, into a place that was not there before
/// and is gone afterwards (bench_scratch.hpp). A signal ends it early, with what has been found.
/// Throws Failure: BENCH-KEY-01, BENCH-STORE-01, BENCH-STORE-02, FILE-OPEN-01.
[[nodiscard]] measure::FigureReport bench_store(const BenchCommand& command,
                                                const exporter::ExporterConfig& config,
                                                Signals& signals);

}  // namespace valinor::app
