/// `check --print-effective`: every key with its value in force and where that came from.
#pragma once

#include <string>

#include "app/config_load.hpp"

namespace valinor::app {

/// YAML that loads to the same Config; origins stand in comments.
[[nodiscard]] std::string print_effective(const LoadedConfig& loaded);

}  // namespace valinor::app
