/// What no single value shows: keys that are missing, and values that contradict each other.
#pragma once

#include "app/config_layer.hpp"

namespace valinor::app {

/// `whole` is where something is said to be missing: the first file, or the first option.
void check_config(const Config& config, const Origins& origins, const Source& whole,
                  bool interfaces_required, Problems& problems);

}  // namespace valinor::app
