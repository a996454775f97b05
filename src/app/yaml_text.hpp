/// Gets configuration text from a file, and refuses what no text editor would have written.
#pragma once

#include "app/config_problem.hpp"
#include "app/yaml_source.hpp"

namespace valinor::app {

/// Fills source.text from the file source.name; "-" is not special. False: told to `problems`.
[[nodiscard]] bool read_source(Source& source, Problems& problems);

/// Removes a byte order mark, then checks size, UTF-8 and control characters.
[[nodiscard]] bool check_text(Source& source, Problems& problems);

}  // namespace valinor::app
