#include "base/thread.hpp"

#include <pthread.h>
#include <sched.h>

#include <cerrno>

#include "base/failure.hpp"

namespace valinor {

void name_this_thread(const std::string& name) {
  ::pthread_setname_np(::pthread_self(), name.substr(0, 15).c_str());
}

void pin_this_thread(CpuId cpu) {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (cpu.value() < CPU_SETSIZE) CPU_SET(cpu.value(), &set);
  const int error = ::pthread_setaffinity_np(::pthread_self(), sizeof set, &set);
  if (error == 0) return;
  throw Failure{ExitStatus::host_not_ready,
                {"HOST-CPU-01", "cannot pin a worker to CPU " + std::to_string(cpu.value()),
                 "the kernel answered " + describe_errno(error) +
                     ": the CPU is absent, offline or outside this process's cpuset",
                 "interfaces[].cpus: auto    or CPUs out of:  taskset -pc $$"}};
}

std::vector<CpuId> allowed_cpus() {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (::sched_getaffinity(0, sizeof set, &set) != 0) throw_errno("read the CPU affinity");
  std::vector<CpuId> cpus;
  for (std::uint32_t cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (CPU_ISSET(cpu, &set)) cpus.push_back(CpuId{cpu});
  }
  return cpus;
}

}  // namespace valinor
