/// `valinor-afxdp replay`: a capture through the same worker and exporter as a run.
#pragma once

#include <optional>
#include <string>

#include "app/config.hpp"
#include "base/failure.hpp"

namespace valinor::app {

/// Reads `in` to its end, writes what the role transmits to `out`, exports the records and prints
/// both equations. Records carry the capture's times. Throws Failure.
[[nodiscard]] ExitStatus replay(const Config& config, const std::string& in,
                                const std::optional<std::string>& out);

}  // namespace valinor::app
