#include "app/cpu_plan.hpp"

#include <algorithm>
#include <fstream>
#include <sstream>
#include <string>

#include "base/thread.hpp"

namespace valinor::app {
namespace {

/// CPUs near the NIC as the kernel lists them ("0-7,16-23"); empty for virtual interfaces.
std::vector<CpuId> local_cpus(const std::string& interface) {
  std::ifstream file{"/sys/class/net/" + interface + "/device/local_cpulist"};
  std::vector<CpuId> cpus;
  for (std::string range; std::getline(file, range, ',');) {
    std::istringstream text{range};
    std::uint32_t first = 0;
    if (!(text >> first)) continue;
    std::uint32_t last = first;
    if (text.get() == '-') text >> last;
    for (std::uint32_t cpu = first; cpu <= last; ++cpu) cpus.emplace_back(cpu);
  }
  return cpus;
}

}  // namespace

std::vector<std::optional<CpuId>> plan_cpus(const packet_io::afxdp::InterfaceConfig& config,
                                            std::size_t workers) {
  std::vector<std::optional<CpuId>> plan(workers);
  for (const CpuId cpu : config.cpus) require_cpu(cpu);
  std::vector<CpuId> cpus = config.cpus;
  if (cpus.empty()) {
    cpus = allowed_cpus();
    const std::vector<CpuId> local = local_cpus(config.name);
    const auto is_far = [&](CpuId cpu) {
      return std::find(local.begin(), local.end(), cpu) == local.end();
    };
    if (!local.empty()) std::erase_if(cpus, is_far);
    if (cpus.size() <= workers) return plan;
  }
  for (std::size_t i = 0; i < workers; ++i) plan[i] = cpus[i % cpus.size()];
  return plan;
}

}  // namespace valinor::app
