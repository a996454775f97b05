/// Network interfaces by their names, in the calling thread's network namespace.
#pragma once

#include <string>
#include <vector>

#include "base/units.hpp"

namespace valinor {

/// Of all interfaces, as the kernel orders them.
[[nodiscard]] std::vector<std::string> interface_names();

/// Throws Failure (IF-NAME-01) that lists the interfaces there are.
[[nodiscard]] InterfaceIndex find_interface_index(const std::string& name);

}  // namespace valinor
