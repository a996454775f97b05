#include "packet_io/afxdp/packet_memory.hpp"

#include <fmt/format.h>
#include <linux/mman.h>
#include <numa.h>
#include <numaif.h>
#include <sys/mman.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <memory>
#include <string>
#include <utility>

#include "base/failure.hpp"
#include "base/log.hpp"
#include "base/numbers.hpp"

namespace valinor::packet_io::afxdp {
namespace {

std::uint64_t round_up(std::uint64_t bytes, std::uint64_t step) {
  return (bytes + step - 1) / step * step;
}

/// Present by no more than a promise: nothing of it has been touched, or errno says why not.
std::optional<Mapping> reserve(std::uint64_t bytes, int flags) {
  void* address =
      ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | flags, -1, 0);
  if (address == MAP_FAILED) return std::nullopt;
  return Mapping{address, bytes};
}

/// A wish: where the node is full, pages come from another one. Must be made before the memory is
/// touched.
void prefer_node(const Mapping& memory, std::optional<int> node) {
  if (!node || ::numa_available() < 0) return;
  const std::unique_ptr<bitmask, decltype(&::numa_bitmask_free)> nodes{::numa_allocate_nodemask(),
                                                                       ::numa_bitmask_free};
  ::numa_bitmask_setbit(nodes.get(), static_cast<unsigned>(*node));
  if (::mbind(memory.data(), memory.size(), MPOL_PREFERRED, nodes->maskp, nodes->size + 1, 0) !=
      0) {
    log::debug("packet memory is not bound to NUMA node {}: {}", *node, errno_name(errno));
  }
}

/// Touches every page; false, with errno, where one cannot be had.
bool populate(const Mapping& memory) {
  if (::madvise(memory.data(), memory.size(), MADV_POPULATE_WRITE) == 0) return true;
  if (errno != EINVAL) return false;
  std::memset(memory.data(), 0, memory.size());  // Linux before 5.14
  return true;
}

std::optional<int> node_of(const std::byte* address) {
  int node = 0;
  if (::get_mempolicy(&node, nullptr, 0, const_cast<std::byte*>(address),
                      MPOL_F_NODE | MPOL_F_ADDR) != 0) {
    return std::nullopt;
  }
  return node;
}

std::uint64_t read_huge_page_count(const char* file) {
  std::uint64_t count = 0;  // stays where the kernel has no pages of this size
  std::ifstream{fmt::format("/sys/kernel/mm/hugepages/hugepages-2048kB/{}", file)} >> count;
  return count;
}

[[noreturn]] void refuse_without_huge_pages(std::uint64_t bytes, int error) {
  const std::uint64_t needed = bytes / kHugePageBytes;
  const std::uint64_t all = read_huge_page_count("nr_hugepages");
  const std::uint64_t free = read_huge_page_count("free_hugepages");
  const std::uint64_t lacking = needed > free ? needed - free : 0;
  throw Failure{
      ExitStatus::host_not_ready,
      {.code = "MEM-HUGE-01",
       .what = fmt::format("no huge pages for {} MiB of packet memory, and umem.hugepages is "
                           "require",
                           bytes / kMiB),
       .why = fmt::format("kernel said {}: {} pages of 2 MiB are needed, {} of {} are free",
                          errno_name(error), needed, free, all),
       .next = fmt::format("sysctl vm.nr_hugepages={}    (every queue takes {})    or:  "
                           "interfaces[].umem.hugepages: auto",
                           all + lacking, needed)}};
}

/// Nothing, with errno, where there are not enough free ones.
std::optional<Mapping> map_reserved_pages(std::uint64_t bytes, std::optional<int> node) {
  constexpr int kTwoMiB = 21 << MAP_HUGE_SHIFT;
  auto memory = reserve(bytes, MAP_HUGETLB | kTwoMiB);
  if (!memory) return std::nullopt;
  prefer_node(*memory, node);
  if (populate(*memory)) return memory;
  const int error = errno;
  memory.reset();
  errno = error;
  return std::nullopt;
}

/// Bytes of this process in transparent huge pages.
std::uint64_t transparent_bytes() {
  std::ifstream rollup{"/proc/self/smaps_rollup"};
  for (std::string line; std::getline(rollup, line);) {
    unsigned long long kib = 0;
    if (std::sscanf(line.c_str(), "AnonHugePages: %llu kB", &kib) == 1) return kib * 1024;
  }
  return 0;
}

}  // namespace

PacketMemory map_packet_memory(std::uint64_t bytes, const UmemConfig& config) {
  const std::uint64_t in_huge_pages = round_up(bytes, kHugePageBytes);
  if (config.huge_pages != HugePages::off) {
    auto memory = map_reserved_pages(in_huge_pages, config.numa_node);
    if (!memory && config.huge_pages == HugePages::require) {
      refuse_without_huge_pages(in_huge_pages, errno);
    }
    if (memory) {
      const auto node = node_of(memory->data());
      return {.mapping = std::move(*memory),
              .huge_bytes = in_huge_pages,
              .has_reserved_pages = true,
              .node = node};
    }
  }
  auto memory = reserve(bytes, 0);
  const std::string doing = fmt::format("map {} MiB for packets", bytes / kMiB);
  if (!memory) throw_errno(doing);
  prefer_node(*memory, config.numa_node);
  const bool may_be_huge = config.huge_pages == HugePages::automatic;
  // Kernels without transparent huge pages do not know the advice.
  ::madvise(memory->data(), bytes, may_be_huge ? MADV_HUGEPAGE : MADV_NOHUGEPAGE);
  const std::uint64_t before = transparent_bytes();
  if (!populate(*memory)) throw_errno(doing);
  const std::uint64_t after = transparent_bytes();
  const auto node = node_of(memory->data());
  return {.mapping = std::move(*memory),
          .huge_bytes = after > before ? after - before : 0,
          .node = node};
}

}  // namespace valinor::packet_io::afxdp
