#include "path/played_kernel.hpp"

#include <sys/socket.h>

#include <algorithm>
#include <cstring>

#include "base/failure.hpp"
#include "packet_io/afxdp/interface.hpp"

namespace valinor::bench {
namespace {

using packet_io::afxdp::RingSizes;

constexpr RingSizes kRings{};

xdp_mmap_offsets ask_ring_offsets(int fd) {
  xdp_mmap_offsets offsets{};
  socklen_t bytes = sizeof offsets;
  if (::getsockopt(fd, SOL_XDP, XDP_MMAP_OFFSETS, &offsets, &bytes) != 0) {
    throw_errno("ask where the AF_XDP rings are");
  }
  return offsets;
}

}  // namespace

PlayedKernel::RingEnd::RingEnd(int fd, const xdp_ring_offset& offset, std::uint32_t count,
                               std::size_t entry_bytes, std::uint64_t page_offset)
    : memory{Mapping::shared(fd, offset.desc + count * entry_bytes, static_cast<long>(page_offset),
                             "map an AF_XDP ring")},
      mask{count - 1},
      producer{reinterpret_cast<std::uint32_t*>(memory.data() + offset.producer)},
      consumer{reinterpret_cast<std::uint32_t*>(memory.data() + offset.consumer)},
      entries{memory.data() + offset.desc} {}

PlayedKernel::RingEnd PlayedKernel::map_rx(int fd) {
  return {fd, ask_ring_offsets(fd).rx, kRings.rx, sizeof(xdp_desc), XDP_PGOFF_RX_RING};
}

PlayedKernel::RingEnd PlayedKernel::map_fill(int fd) {
  return {fd, ask_ring_offsets(fd).fr, kRings.fill, sizeof(std::uint64_t),
          XDP_UMEM_PGOFF_FILL_RING};
}

PlayedKernel::PlayedKernel(std::span<const std::byte> frame)
    : veth_{"near", "far", 1},
      pool_{{.frame_size = 2048}},
      port_{packet_io::afxdp::find_interface("near"), QueueId{0}, pool_, kRings,
            packet_io::afxdp::Mode::copy},
      rx_{map_rx(port_.fd())},
      fill_{map_fill(port_.fd())},
      frame_bytes_{static_cast<std::uint32_t>(frame.size())} {
  const auto& memory = pool_.memory();
  for (std::uint32_t i = 0; i < memory.frames(); ++i) {
    std::byte* start = memory.at(std::uint64_t{i} * memory.frame_size());
    std::copy(frame.begin(), frame.end(), start + memory.headroom());
  }
}

std::uint32_t PlayedKernel::deliver(std::uint32_t count) noexcept {
  // Acquire: pairs with the port's release of what it has written, or read.
  const std::uint32_t given = __atomic_load_n(fill_.producer, __ATOMIC_ACQUIRE) - *fill_.consumer;
  const std::uint32_t waiting = *rx_.producer - __atomic_load_n(rx_.consumer, __ATOMIC_ACQUIRE);
  count = std::min({count, given, kRings.rx - waiting});
  for (std::uint32_t i = 0; i < count; ++i) {
    std::uint64_t address = 0;
    std::memcpy(&address, fill_.entries + ((*fill_.consumer + i) & fill_.mask) * sizeof address,
                sizeof address);
    const xdp_desc descriptor{address + pool_.memory().headroom(), frame_bytes_, 0};
    std::memcpy(rx_.entries + ((*rx_.producer + i) & rx_.mask) * sizeof descriptor, &descriptor,
                sizeof descriptor);
  }
  // Release: pairs with the port's acquire of the index.
  __atomic_store_n(fill_.consumer, *fill_.consumer + count, __ATOMIC_RELEASE);
  __atomic_store_n(rx_.producer, *rx_.producer + count, __ATOMIC_RELEASE);
  return count;
}

}  // namespace valinor::bench
