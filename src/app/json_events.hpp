/// What a run tells programs on stdout where observe.output is json: objects, one a line, each with
/// its "event". docs/json.md has their members.
///
///   start, queue ..., ready, stats ..., stopping, books
///
/// Main thread.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "app/books.hpp"
#include "app/config.hpp"
#include "app/live_report.hpp"
#include "app/wiring.hpp"

namespace valinor::app {

using Elapsed = std::chrono::duration<double>;

/// The run, then each queue as it was asked for and obtained, then that it is ready.
void tell_start(const Config& config, const Wiring& wiring);

void tell_stats(const LiveTotals& totals, Elapsed since_start);

/// `why`: the name of a signal, or what else has ended the run.
void tell_stopping(const std::string& why);

/// Answers how the program ends, as print_books() does.
[[nodiscard]] ExitStatus tell_books(const FrameBooks& frames,
                                    const std::vector<RecordBooks>& records,
                                    const std::optional<TapBooks>& tap, Elapsed since_start);

}  // namespace valinor::app
