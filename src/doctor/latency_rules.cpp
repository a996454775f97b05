#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "doctor/rules.hpp"
#include "nic/cpu_list.hpp"

namespace valinor::doctor {
namespace {

bool holds(const std::vector<CpuId>& cpus, CpuId cpu) {
  return std::find(cpus.begin(), cpus.end(), cpu) != cpus.end();
}

void judge_interrupts(const NicFacts& nic, const Wanted& wanted, Diagnoses& out) {
  std::set<CpuId> shared;
  std::vector<std::uint32_t> numbers;
  for (const nic::Interrupt& one : nic.place.interrupts) {
    const std::size_t before = shared.size();
    for (const CpuId cpu : one.cpus) {
      if (holds(wanted.cpus, cpu)) shared.insert(cpu);
    }
    if (shared.size() != before) numbers.push_back(one.number);
  }
  if (shared.empty()) return;
  const std::vector<CpuId> cpus{shared.begin(), shared.end()};
  out.push_back(warn("irq",
                     fmt::format("interrupts {} are served by CPUs {}, where workers run: they "
                                 "take turns",
                                 to_list(numbers), nic::to_cpu_list(cpus)),
                     fmt::format("echo CPU > /proc/irq/{}/smp_affinity_list    or other "
                                 "interfaces[].cpus (irqbalance may undo it)",
                                 numbers.front())));
}

void judge_numa(const NicFacts& nic, const Wanted& wanted, Diagnoses& out) {
  std::vector<CpuId> far;
  for (const CpuId cpu : wanted.cpus) {
    if (!nic.place.local_cpus.empty() && !holds(nic.place.local_cpus, cpu)) far.push_back(cpu);
  }
  if (far.empty()) return;
  std::sort(far.begin(), far.end());
  out.push_back(
      warn("numa",
           fmt::format("workers on CPUs {} are of another NUMA node than the NIC: each "
                       "packet crosses the machine",
                       nic::to_cpu_list(far)),
           fmt::format("interfaces[].cpus: [{}]", nic::to_cpu_list(nic.place.local_cpus))));
}

void judge_coalescing(const NicFacts& nic, Diagnoses& out) {
  if (!nic.coalescing) return;
  // What drivers have by default lies between 8 and 64; above, bursts in the records are the NIC's.
  constexpr std::uint32_t kLongest = 100;
  const nic::Coalescing& is = *nic.coalescing;
  if (is.rx_us <= kLongest) {
    out.push_back(
        ok("coalescing", fmt::format("interrupts wait {} us{}", is.rx_us,
                                     is.adaptive_rx ? " or what the driver adapts it to" : "")));
    return;
  }
  out.push_back(warn("coalescing",
                     fmt::format("interrupts wait {} us: packets arrive in bursts that the NIC "
                                 "makes, and are stamped late",
                                 is.rx_us),
                     fmt::format("ethtool -C {} adaptive-rx off rx-usecs 20", nic.name)));
}

void judge_rings(const NicFacts& nic, const Wanted& wanted, Diagnoses& out) {
  if (!nic.rings || nic.rings->now.rx <= wanted.interface.rings.fill) return;
  out.push_back(warn("rings",
                     fmt::format("the NIC's ring takes {} frames, the fill ring has {}: the NIC "
                                 "can never be supplied fully",
                                 nic.rings->now.rx, wanted.interface.rings.fill),
                     fmt::format("interfaces[].rings.fill: {}    or:  ethtool -G {} rx {}",
                                 nic.rings->now.rx, nic.name, wanted.interface.rings.fill)));
}

}  // namespace

void judge_latency(const NicFacts& nic, const Wanted& wanted, Diagnoses& out) {
  judge_interrupts(nic, wanted, out);
  judge_numa(nic, wanted, out);
  judge_coalescing(nic, out);
  judge_rings(nic, wanted, out);
}

}  // namespace valinor::doctor
