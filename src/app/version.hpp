/// What `valinor-afxdp version` prints.
#pragma once

#include <string>

namespace valinor::app {

/// "valinor-afxdp 0.1.0\n"; with build_info also compiler, libraries and the running kernel.
[[nodiscard]] std::string version_text(bool build_info);

}  // namespace valinor::app
