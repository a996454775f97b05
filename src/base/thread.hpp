/// Names and pins threads.
#pragma once

#include <string>
#include <vector>

#include "base/units.hpp"

namespace valinor {

/// Names the calling thread for ps, perf and gdb; cut at 15 characters.
void name_this_thread(const std::string& name) noexcept;

/// CPUs that this process may run on, ascending.
[[nodiscard]] std::vector<CpuId> allowed_cpus();

/// Throws Failure (HOST-CPU-01) where the process may not run on `cpu`.
void require_cpu(CpuId cpu);

/// Binds the calling thread to a CPU that require_cpu() has accepted.
void pin_this_thread(CpuId cpu) noexcept;

}  // namespace valinor
