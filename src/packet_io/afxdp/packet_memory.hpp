/// Where packet memory comes from: pages of 2 MiB where there are any (one entry of the TLB serves
/// 500 frames then, not one), on the NUMA node of the NIC (it writes there without crossing to
/// another socket). Set-up only.
#pragma once

#include <cstdint>
#include <optional>

#include "base/mapping.hpp"
#include "packet_io/afxdp/config.hpp"

namespace valinor::packet_io::afxdp {

inline constexpr std::uint64_t kHugePageBytes = std::uint64_t{2} << 20;

struct PacketMemory {
  Mapping mapping;                  // zeroed and present; may be longer than was asked
  std::uint64_t huge_bytes = 0;     // of it, in pages of 2 MiB
  bool has_reserved_pages = false;  // those are from the pool of vm.nr_hugepages, and stay so
  std::optional<int> node;          // that holds its first byte; nothing: the kernel does not say
};

/// At least `bytes`, in pages as config.huge_pages says, on config.numa_node as long as that has
/// room. Throws Failure (MEM-HUGE-01) where huge pages are required and lacking, else
/// std::system_error where memory is short.
[[nodiscard]] PacketMemory map_packet_memory(std::uint64_t bytes, const UmemConfig& config);

}  // namespace valinor::packet_io::afxdp
