/// Names and pins threads.
#pragma once

#include <string>
#include <vector>

#include "base/units.hpp"

namespace valinor {

/// Names the calling thread for ps, perf and gdb; cut at 15 characters.
void name_this_thread(const std::string& name);

/// Binds the calling thread to one CPU. Throws Failure (HOST-CPU-01) when it may not run there.
void pin_this_thread(CpuId cpu);

/// CPUs that this process may run on, ascending.
[[nodiscard]] std::vector<CpuId> allowed_cpus();

}  // namespace valinor
