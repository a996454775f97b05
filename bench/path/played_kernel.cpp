#include "path/played_kernel.hpp"

#include <sys/socket.h>

#include <algorithm>
#include <cstring>
#include <stdexcept>
#include <utility>

#include "base/failure.hpp"
#include "packet_io/afxdp/interface.hpp"

namespace valinor::bench {
namespace {

using packet_io::afxdp::RingSizes;

constexpr RingSizes kRings{};

/// With an MTU of 1500: what 2048 bytes of packet memory hold, as valinor-afxdp has it there.
constexpr std::size_t kFullPacket = 1514;

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

PlayedKernel::PlayedKernel(Frames frames)
    : frames_{std::move(frames)},
      veth_{"near", "far", 1},
      pool_{{.frame_size = frames_.frame_bytes <= kFullPacket ? 2048u : 4096u}},
      port_{packet_io::afxdp::find_interface("near"), QueueId{0}, pool_, kRings,
            packet_io::afxdp::Mode::copy},
      rx_{map_rx(port_.fd())},
      fill_{map_fill(port_.fd())} {
  if (frames_.frame_bytes > port_.room()) throw std::length_error{"a frame fits no packet memory"};
  const auto frame = frames_.at(0);
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
    if (frames_.count() > 1) {
      const auto frame = frames_.at(next_);
      std::copy(frame.begin(), frame.end(), pool_.memory().at(address) + pool_.memory().headroom());
      next_ = (next_ + 1) % frames_.count();
    }
    const xdp_desc descriptor{address + pool_.memory().headroom(),
                              static_cast<std::uint32_t>(frames_.frame_bytes), 0};
    std::memcpy(rx_.entries + ((*rx_.producer + i) & rx_.mask) * sizeof descriptor, &descriptor,
                sizeof descriptor);
  }
  // Release: pairs with the port's acquire of the index.
  __atomic_store_n(fill_.consumer, *fill_.consumer + count, __ATOMIC_RELEASE);
  __atomic_store_n(rx_.producer, *rx_.producer + count, __ATOMIC_RELEASE);
  return count;
}

}  // namespace valinor::bench
