#include <fmt/format.h>

#include <algorithm>

#include "base/numbers.hpp"
#include "doctor/rules.hpp"
#include "nic/cpu_list.hpp"
#include "packet_io/afxdp/interface.hpp"

namespace valinor::doctor {
namespace {

constexpr std::uint64_t kHugePage = 2 * kMiB;

void judge_kernel(const HostFacts& host, Diagnoses& out) {
  if (!host.af_xdp) {
    out.push_back(fail("kernel", host.release + ": built without AF_XDP (CONFIG_XDP_SOCKETS)",
                       "zgrep XDP_SOCKETS /proc/config.gz /boot/config-$(uname -r)"));
    return;
  }
  std::string text = host.release + ", AF_XDP";
  if (host.jit.value_or(false)) text += ", JIT on";
  text += host.btf ? ", BTF present" : ", no BTF (receive timestamps of the NIC need it)";
  text += host.bpffs ? ", bpffs mounted" : ", no bpffs (only sharing a NIC would need it)";
  out.push_back(ok("kernel", text));
  if (host.jit.has_value() && !*host.jit) {
    out.push_back(warn("jit", "BPF programs are interpreted: each packet costs several times more",
                       "sysctl net.core.bpf_jit_enable=1"));
  }
  constexpr std::size_t kUsualPage = 4096;
  if (host.page_bytes != kUsualPage) {
    out.push_back(warn("pages",
                       fmt::format("pages of {} KiB: drivers may refuse zero-copy with frames that "
                                   "are smaller than a page",
                                   host.page_bytes / 1024),
                       "interfaces[].mode: copy    if a bind is refused"));
  }
}

struct Right {
  const char* name;
  const char* needed_for;
};
constexpr Right kRights[]{{"CAP_NET_RAW", "AF_XDP sockets"},
                          {"CAP_NET_ADMIN", "attaching the XDP program"},
                          {"CAP_BPF", "loading the XDP program"},
                          {"CAP_PERFMON", "the program's checks of packet bounds"}};

void judge_rights(const HostFacts& host, Diagnoses& out) {
  const std::size_t before = out.size();
  const auto has = [&](const char* name) {
    const auto found = host.capabilities.find(name);
    return found != host.capabilities.end() && found->second;
  };
  // CAP_SYS_ADMIN stands in for both of the newer ones.
  const bool is_admin = has("CAP_SYS_ADMIN");
  for (const Right& right : kRights) {
    const bool is_new =
        std::string_view{right.name} == "CAP_BPF" || std::string_view{right.name} == "CAP_PERFMON";
    if (has(right.name) || (is_new && is_admin)) continue;
    out.push_back(fail("rights", fmt::format("{} is missing: {}", right.name, right.needed_for),
                       packet_io::afxdp::kRunPrivileged));
  }
  if (out.size() == before) out.push_back(ok("rights", "all capabilities that a run needs"));
}

void judge_memory(const HostFacts& host, const std::vector<Wanted>& wanted, Diagnoses& out) {
  std::uint64_t needed = 0;
  for (const Wanted& one : wanted) {
    const auto& umem = one.interface.umem;
    needed += std::uint64_t{umem.frames} * umem.frame_size * one.queue_count;
  }
  const auto lock = host.capabilities.find("CAP_IPC_LOCK");
  const bool may_lock = lock != host.capabilities.end() && lock->second;
  if (may_lock || !host.memlock_bytes || *host.memlock_bytes >= needed) {
    out.push_back(ok("memlock", may_lock ? "CAP_IPC_LOCK: as much as is needed"
                                         : fmt::format("enough for {} MiB", needed / kMiB)));
    return;
  }
  out.push_back(
      fail("memlock",
           fmt::format("{} KiB may be locked, {} MiB of packet memory are needed, and "
                       "CAP_IPC_LOCK is missing",
                       *host.memlock_bytes / 1024, needed / kMiB),
           "sudo prlimit --pid $$ --memlock=unlimited    systemd: LimitMEMLOCK=infinity"));
}

/// Free pages of 2 MiB, and whether they are enough where the configuration requires them.
void judge_huge_pages(const HostFacts& host, const std::vector<Wanted>& wanted, Diagnoses& out) {
  std::uint64_t required = 0;
  for (const Wanted& one : wanted) {
    const auto& umem = one.interface.umem;
    if (umem.huge_pages != packet_io::afxdp::HugePages::require) continue;
    const std::uint64_t bytes = std::uint64_t{umem.frames} * umem.frame_size;
    required += (bytes + kHugePage - 1) / kHugePage * one.queue_count;
  }
  if (host.huge_pages_free < required) {
    out.push_back(fail("hugepages",
                       fmt::format("{} of 2 MiB are free, and umem.hugepages: require needs {}",
                                   host.huge_pages_free, required),
                       fmt::format("sysctl vm.nr_hugepages={}", required)));
  } else if (host.huge_pages_free != 0) {
    out.push_back(ok("hugepages", fmt::format("{} of 2 MiB are free", host.huge_pages_free)));
  }
}

/// CPUs of all workers, ascending, each once.
std::vector<CpuId> cpus_of(const std::vector<Wanted>& wanted) {
  std::vector<CpuId> cpus;
  for (const Wanted& one : wanted) cpus.insert(cpus.end(), one.cpus.begin(), one.cpus.end());
  std::sort(cpus.begin(), cpus.end());
  cpus.erase(std::unique(cpus.begin(), cpus.end()), cpus.end());
  return cpus;
}

void judge_cpus(const HostFacts& host, const std::vector<Wanted>& wanted, Diagnoses& out) {
  const std::vector<CpuId> workers = cpus_of(wanted);
  std::vector<CpuId> slow, shared;
  for (const CpuId cpu : workers) {
    const auto governor = host.governors.find(cpu);
    if (governor != host.governors.end() && governor->second != "performance") slow.push_back(cpu);
    const auto core = host.siblings.find(cpu);
    if (core == host.siblings.end()) continue;
    const auto is_another_worker = [&](CpuId thread) {
      return thread != cpu && std::binary_search(workers.begin(), workers.end(), thread);
    };
    if (std::any_of(core->second.begin(), core->second.end(), is_another_worker)) {
      shared.push_back(cpu);
    }
  }
  if (!slow.empty()) {
    out.push_back(
        warn("governor",
             fmt::format("CPUs {} save power: the first packets of a burst wait until "
                         "they are fast again",
                         nic::to_cpu_list(slow)),
             fmt::format("cpupower -c {} frequency-set -g performance", nic::to_cpu_list(slow))));
  }
  if (!shared.empty()) {
    out.push_back(warn(
        "cores",
        fmt::format("workers on CPUs {} are threads of the same cores", nic::to_cpu_list(shared)),
        "interfaces[].cpus: one thread of each core"));
  }
}

}  // namespace

Diagnoses judge_host(const HostFacts& host, const std::vector<Wanted>& wanted) {
  Diagnoses out;
  judge_kernel(host, out);
  judge_rights(host, out);
  judge_memory(host, wanted, out);
  judge_cpus(host, wanted, out);
  judge_huge_pages(host, wanted, out);
  return out;
}

}  // namespace valinor::doctor
