/// Where a NIC sits in the machine: NUMA node, CPUs, interrupts, PCIe. From sysfs and procfs; all
/// of it is empty for virtual interfaces, and where /sys shows another network namespace.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/units.hpp"
#include "nic/device.hpp"

namespace valinor::nic {

/// One interrupt of the NIC and the CPUs that serve it.
struct Interrupt {
  std::uint32_t number = 0;
  std::vector<CpuId> cpus;
};

/// A PCIe connection, now and as wide and fast as the NIC could have it.
struct PcieLink {
  double gigatransfers = 0, most_gigatransfers = 0;  // a second and lane
  std::uint32_t lanes = 0, most_lanes = 0;
};

struct Placement {
  std::optional<int> numa_node;   // nothing: the machine has only one, or the NIC does not say
  std::vector<CpuId> local_cpus;  // of that node
  std::vector<Interrupt> interrupts;
  std::optional<PcieLink> pcie;
};
[[nodiscard]] Placement placement(const Device& device);

/// How long the NIC's interrupts stay off while somebody polls (napi_defer_hard_irqs and
/// gro_flush_timeout): what busy polling needs.
struct NapiDeferral {
  std::uint32_t hard_irqs = 0;         // empty polls before interrupts are switched on again
  std::uint64_t flush_timeout_ns = 0;  // gro_flush_timeout: the longest that they stay off
  friend bool operator==(const NapiDeferral&, const NapiDeferral&) = default;
};
[[nodiscard]] std::optional<NapiDeferral> napi_deferral(const Device& device);

/// 0 or the errno; both values are for all queues of the interface.
[[nodiscard]] int set_napi_deferral(const Device& device, const NapiDeferral& wanted);

}  // namespace valinor::nic
