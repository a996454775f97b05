/// Lists of CPUs as the kernel writes them: "0-3,8".
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/units.hpp"

namespace valinor::nic {

/// In the order of the text; what is no number is skipped.
[[nodiscard]] std::vector<CpuId> parse_cpu_list(std::string_view text);

/// "0-3,8"; empty for none. `cpus` ascending.
[[nodiscard]] std::string to_cpu_list(const std::vector<CpuId>& cpus);

}  // namespace valinor::nic
