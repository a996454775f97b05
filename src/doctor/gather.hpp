/// Reads the facts that `doctor` and `list` go by. Nothing is changed; what may not be read, or is
/// not there, stays as its type has it by default.
#pragma once

#include <string>

#include "doctor/facts.hpp"

namespace valinor::doctor {

[[nodiscard]] HostFacts gather_host();

/// All but the bind test. Throws Failure (IF-NAME-01).
[[nodiscard]] NicFacts gather_nic(const std::string& interface);

}  // namespace valinor::doctor
