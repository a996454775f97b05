/// `bench rx`: what an interface, the worker of each of its queues and their record rings take of
/// the telemetry that somebody else sends.
#pragma once

#include "app/bench_options.hpp"
#include "app/config.hpp"
#include "app/events.hpp"
#include "measure/figures.hpp"

namespace valinor::app {

/// The interface is opened as `config` says, if it lists it; role collect, records go nowhere. A
/// signal ends it early, with what has been found. Throws Failure: what wire_up() throws, and
/// BENCH-RX-01 where nothing comes.
[[nodiscard]] measure::FigureReport bench_rx(const BenchCommand& command, const Config& config,
                                             Signals& signals);

}  // namespace valinor::app
