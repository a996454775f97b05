/// Names and pins threads.
#pragma once

#include <chrono>
#include <string>
#include <thread>
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

/// Asks that the calling thread, once it wakes, runs soon and for about `length`, 0.1 to 100 ms,
/// also where others have its CPU. It gets no more of the CPU by that. Nothing happens where it has
/// another scheduling policy than the usual one, and Linux before 6.12 takes no notice.
void request_slice(std::chrono::nanoseconds length) noexcept;

/// From now on break_off_call() may be used: SIGUSR1 does nothing in this process but end a system
/// call that waits, with EINTR.
void let_calls_be_broken_off() noexcept;

/// Of a thread that has not been joined. One that is between two calls does not notice.
void break_off_call(std::thread::native_handle_type thread) noexcept;

}  // namespace valinor
