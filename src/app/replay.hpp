/// `valinor-afxdp replay`: a capture through the same worker and exporter as a run.
///
///   worker's thread    capture -> worker -> record ring: no faster than the ring gets room
///   exporter's thread  record ring -> batches -> store: no faster than the store takes them
///
/// A slow store costs time, not records; one that is away is waited for, up to a bound.
#pragma once

#include <optional>
#include <string>

#include "app/config.hpp"
#include "base/failure.hpp"

namespace valinor::app {

/// Reads `in` to its end, or until SIGINT or SIGTERM, writes what the role transmits to `out`,
/// exports the records and prints both equations. Records carry the capture's times. Throws
/// Failure. Main thread, before any other is started.
[[nodiscard]] ExitStatus replay(const Config& config, const std::string& in,
                                const std::optional<std::string>& out);

}  // namespace valinor::app
