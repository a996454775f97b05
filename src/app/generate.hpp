/// `valinor-afxdp gen`: sends telemetry frames by AF_XDP, or writes them to a capture.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "app/command_line.hpp"
#include "app/events.hpp"
#include "base/failure.hpp"

namespace valinor::app {

/// Ends after count packets, after duration, or on a signal, whichever comes first; prints what was
/// sent and whether all of it left. Throws Failure.
[[nodiscard]] ExitStatus generate(const GenCommand& command, Signals& signals);

/// "0.50 s = 2,000 pps"; within less than 10 ms a rate says nothing, and is left out: "0.0004 s".
[[nodiscard]] std::string describe_rate(std::uint64_t packets, double seconds);

/// Prints what was sent: of `written` packets so many have `left`, in `seconds`.
[[nodiscard]] ExitStatus report_sent(std::uint64_t written, std::uint64_t left, double seconds);

/// Throws Failure (GEN-SIZE-01) where `where`, "eth0 with its MTU of 1500", takes fewer bytes.
void require_frame_fits(std::size_t frame_bytes, std::size_t limit, const std::string& where);

}  // namespace valinor::app
