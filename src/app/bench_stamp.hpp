/// `bench stamp`: what clocks cost to read here, and how far published time is off.
#pragma once

#include "app/bench_options.hpp"
#include "app/events.hpp"
#include "clock/config.hpp"
#include "measure/figures.hpp"

namespace valinor::app {

/// Of published time in that clock; a signal ends it early. Throws Failure: HOST-CLOCK-01,
/// IF-NAME-01.
[[nodiscard]] measure::FigureReport bench_stamp(const BenchCommand& command, clock::ClockName name,
                                                Signals& signals);

}  // namespace valinor::app
