/// Which CPU each worker runs on, planned for all workers of the process together.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

#include "base/units.hpp"

namespace valinor::app {

/// A CPU that this process may run on.
struct HostCpu {
  CpuId id;
  CpuId core;  // the first hardware thread of its core: the same for all of them
};

/// In ascending order. Where the kernel does not say which CPUs are threads of one core, each
/// counts as a core.
[[nodiscard]] std::vector<HostCpu> read_host_cpus();

/// The workers of one interface.
struct WorkerGroup {
  std::size_t workers = 0;
  std::vector<CpuId> configured;  // used in turn; empty: the plan chooses
  std::vector<CpuId> near;        // CPUs of the NIC's NUMA node; empty: all are alike
};

/// One list for each group, one entry for each of its workers; nothing: any CPU, the kernel
/// decides.
///
/// Workers without configured CPUs get one each that no other worker has: of the NIC's NUMA node as
/// long as there are, and among these of a core that no worker is on. That takes a CPU for each,
/// and one left over for the exporter: where there are fewer, none of these workers is pinned.
[[nodiscard]] std::vector<std::vector<std::optional<CpuId>>> plan_cpus(
    std::span<const WorkerGroup> groups, const std::vector<HostCpu>& host);

}  // namespace valinor::app
