/// The commands doctor and list: what this host and its NICs can do, what stands in a run's way,
/// and what mends it.
#pragma once

#include "app/command_line.hpp"
#include "app/config.hpp"
#include "base/failure.hpp"

namespace valinor::app {

/// Prints a report about the interfaces named; of those of the configuration where none is; of all
/// that are switched on where there is no `config` either (null). --fix first runs the commands
/// that can be undone. Answers `host_not_ready` where a problem is left. Throws Failure
/// (IF-NAME-01).
[[nodiscard]] ExitStatus doctor(const DoctorCommand& command, const Config* config);

/// Puts back what --fix and crashed runs have left. Answers `host_not_ready` where that failed.
[[nodiscard]] ExitStatus undo(const DoctorCommand& command);

/// Prints a table of all interfaces.
[[nodiscard]] ExitStatus list(const ListCommand& command);

}  // namespace valinor::app
