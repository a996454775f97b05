/// `valinor-afxdp gen`: sends telemetry frames by AF_XDP, or writes them to a capture.
#pragma once

#include "app/command_line.hpp"
#include "app/events.hpp"
#include "base/failure.hpp"

namespace valinor::app {

/// Ends after count packets, after duration, or on a signal, whichever comes first; prints what was
/// sent and whether all of it left. Throws Failure.
[[nodiscard]] ExitStatus generate(const GenCommand& command, Signals& signals);

}  // namespace valinor::app
