#include "base/thread.hpp"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>

#include "base/failure.hpp"

namespace valinor {
namespace {

/// As sched_setattr(2) has it; glibc has neither, and <linux/sched/types.h> does not go with
/// <sched.h>.
struct SchedAttributes {
  std::uint32_t size = sizeof(SchedAttributes);
  std::uint32_t policy = 0;
  std::uint64_t flags = 0;
  std::int32_t nice = 0;
  std::uint32_t priority = 0;
  std::uint64_t runtime = 0;
  std::uint64_t deadline = 0;
  std::uint64_t period = 0;
};

}  // namespace

void name_this_thread(const std::string& name) noexcept {
  char cut[16] = {};
  name.copy(cut, sizeof cut - 1);
  ::pthread_setname_np(::pthread_self(), cut);
}

std::vector<CpuId> allowed_cpus() {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (::sched_getaffinity(0, sizeof set, &set) != 0) throw_errno("read the CPU affinity");
  std::vector<CpuId> cpus;
  for (std::uint32_t cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (CPU_ISSET(cpu, &set)) cpus.emplace_back(cpu);
  }
  return cpus;
}

void require_cpu(CpuId cpu) {
  const std::vector<CpuId> allowed = allowed_cpus();
  if (std::find(allowed.begin(), allowed.end(), cpu) != allowed.end()) return;
  std::string list;
  for (const CpuId one : allowed) list += (list.empty() ? "" : ", ") + std::to_string(one.value());
  throw Failure{ExitStatus::host_not_ready,
                {"HOST-CPU-01", "cannot pin a worker to CPU " + std::to_string(cpu.value()),
                 "the CPU is absent, offline or outside this process's cpuset; allowed are " + list,
                 "interfaces[].cpus: auto    or some of those"}};
}

void pin_this_thread(CpuId cpu) noexcept {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(cpu.value(), &set);
  ::pthread_setaffinity_np(::pthread_self(), sizeof set, &set);
}

void request_slice(std::chrono::nanoseconds length) noexcept {
  SchedAttributes attributes;
  if (::syscall(SYS_sched_getattr, 0, &attributes, sizeof attributes, 0) != 0) return;
  if (attributes.policy != SCHED_OTHER) return;  // whoever chose another knows better
  attributes.runtime = static_cast<std::uint64_t>(length.count());
  ::syscall(SYS_sched_setattr, 0, &attributes, 0);
}

void let_calls_be_broken_off() noexcept {
  struct sigaction action {};
  action.sa_handler = [](int) {};
  ::sigaction(SIGUSR1, &action, nullptr);
}

void break_off_call(std::thread::native_handle_type thread) noexcept {
  ::pthread_kill(thread, SIGUSR1);
}

}  // namespace valinor
