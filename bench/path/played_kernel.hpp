/// A real port whose kernel is played: frames "arrive" because we write their descriptors where the
/// kernel would, so that the worker's whole path can be timed and counted without the kernel's.
///
///   fill ring --deliver(): addresses--> RX ring --> port.receive() --> worker --> port.recycle()
///       ^                                                                              |
///       +------------------------------- port.flush() --------------------------------+
///
/// The socket is bound to a veth interface on which nothing is sent, of a network namespace of its
/// own. Needs root. One thread.
#pragma once

#include <linux/if_xdp.h>

#include <cstddef>
#include <cstdint>

#include "base/mapping.hpp"
#include "load/named_frames.hpp"
#include "packet_io/afxdp/afxdp_port.hpp"
#include "packet_io/afxdp/frame_pool.hpp"
#include "support/netns.hpp"

namespace valinor::bench {

class PlayedKernel {
 public:
  /// Throws as AfxdpPort does.
  explicit PlayedKernel(Frames frames);

  /// `count` frames arrive, or as many as the port has given memory and has room for; answers how
  /// many. A single frame is in all of packet memory from the start on; several are copied there in
  /// turn, as the kernel does.
  std::uint32_t deliver(std::uint32_t count) noexcept;

  [[nodiscard]] packet_io::afxdp::AfxdpPort& port() noexcept { return port_; }

 private:
  /// The kernel's end of a ring: the same memory as the port's, mapped once more.
  struct RingEnd {
    RingEnd(int fd, const xdp_ring_offset& offset, std::uint32_t count, std::size_t entry_bytes,
            std::uint64_t page_offset);

    Mapping memory;
    std::uint32_t mask;
    std::uint32_t* producer;
    std::uint32_t* consumer;
    std::byte* entries;
  };

  static RingEnd map_rx(int fd);
  static RingEnd map_fill(int fd);

  Frames frames_;
  std::size_t next_ = 0;  // of several frames
  test::NetworkNamespace network_;
  test::VethPair veth_;
  packet_io::afxdp::FramePool pool_;
  packet_io::afxdp::AfxdpPort port_;
  RingEnd rx_;
  RingEnd fill_;
};

}  // namespace valinor::bench
