#include "app/cpu_plan.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <string>
#include <utility>

#include "base/thread.hpp"
#include "nic/cpu_list.hpp"

namespace valinor::app {
namespace {

using Plan = std::vector<std::vector<std::optional<CpuId>>>;

bool contains(const std::vector<CpuId>& cpus, CpuId cpu) {
  return std::find(cpus.begin(), cpus.end(), cpu) != cpus.end();
}

/// The CPUs that no worker has, and the cores that one is on.
class FreeCpus {
 public:
  explicit FreeCpus(std::vector<HostCpu> host) : free_{std::move(host)} {}

  [[nodiscard]] std::size_t count() const noexcept { return free_.size(); }

  /// Does nothing for one that is taken.
  void take(CpuId cpu) {
    const auto found = std::find_if(free_.begin(), free_.end(),
                                    [cpu](const HostCpu& one) { return one.id == cpu; });
    if (found == free_.end()) return;
    busy_cores_.push_back(found->core);
    free_.erase(found);
  }

  /// Only while there is one.
  CpuId take_best(const std::vector<CpuId>& near) {
    const auto cost = [&](const HostCpu& cpu) {
      const bool is_far = !near.empty() && !contains(near, cpu.id);
      return std::pair{is_far, contains(busy_cores_, cpu.core)};
    };
    const CpuId best =
        std::min_element(free_.begin(), free_.end(), [&](const HostCpu& one, const HostCpu& other) {
          return cost(one) < cost(other);
        })->id;
    take(best);
    return best;
  }

 private:
  std::vector<HostCpu> free_;
  std::vector<CpuId> busy_cores_;
};

/// The first CPU of the core that `cpu` is a thread of.
CpuId core_of(CpuId cpu) {
  std::ifstream file{
      fmt::format("/sys/devices/system/cpu/cpu{}/topology/thread_siblings_list", cpu.value())};
  std::string list;
  std::getline(file, list);
  const std::vector<CpuId> siblings = nic::parse_cpu_list(list);
  return siblings.empty() ? cpu : siblings.front();
}

/// As configured; answers how many workers are left to plan for.
std::size_t place_configured(std::span<const WorkerGroup> groups, FreeCpus& free, Plan& plan) {
  std::size_t left = 0;
  for (std::size_t g = 0; g < groups.size(); ++g) {
    const WorkerGroup& group = groups[g];
    plan[g].resize(group.workers);
    if (group.configured.empty()) left += group.workers;
    for (std::size_t i = 0; i < group.workers && !group.configured.empty(); ++i) {
      const CpuId cpu = group.configured[i % group.configured.size()];
      plan[g][i] = cpu;
      free.take(cpu);
    }
  }
  return left;
}

}  // namespace

std::vector<HostCpu> read_host_cpus() {
  std::vector<HostCpu> host;
  for (const CpuId cpu : allowed_cpus()) host.push_back({cpu, core_of(cpu)});
  return host;
}

Plan plan_cpus(std::span<const WorkerGroup> groups, const std::vector<HostCpu>& host) {
  Plan plan(groups.size());
  FreeCpus free{host};
  if (place_configured(groups, free, plan) >= free.count()) return plan;
  // First those that have a choice to lose.
  for (const bool are_choosy : {true, false}) {
    for (std::size_t g = 0; g < groups.size(); ++g) {
      const WorkerGroup& group = groups[g];
      if (!group.configured.empty() || group.near.empty() == are_choosy) continue;
      for (auto& cpu : plan[g]) cpu = free.take_best(group.near);
    }
  }
  return plan;
}

}  // namespace valinor::app
