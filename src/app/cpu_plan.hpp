/// Which CPU each worker of an interface runs on.
#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "base/units.hpp"
#include "packet_io/afxdp/config.hpp"

namespace valinor::app {

/// One entry for each of `workers`. Configured CPUs are used in turn; without any, CPUs of the
/// NIC's NUMA node, as long as there is one for each worker and one left over for the exporter:
/// else nothing is pinned and the kernel decides. Throws Failure (HOST-CPU-01).
[[nodiscard]] std::vector<std::optional<CpuId>> plan_cpus(
    const packet_io::afxdp::InterfaceConfig& config, std::size_t workers);

}  // namespace valinor::app
