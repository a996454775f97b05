/// One AF_XDP socket on one queue, with its four rings; or two, that share the queue.
///
///   fill        we -> kernel   empty frames to receive into
///   rx          kernel -> we   received frames
///   tx          we -> kernel   frames to send
///   completion  kernel -> we   frames that were sent, or dropped by the device
///
/// The rings are libxdp's structs over the kernel's memory, to be used with the operations of
/// xdp/xsk.h by one thread. The Umem outlives the socket.
#pragma once

#include <linux/if_xdp.h>
#include <xdp/xsk.h>

#include <cstdint>
#include <string>

#include "base/mapping.hpp"
#include "base/unique_fd.hpp"
#include "base/units.hpp"
#include "packet_io/afxdp/config.hpp"
#include "packet_io/afxdp/interface.hpp"
#include "packet_io/afxdp/umem.hpp"

namespace valinor::packet_io::afxdp {

class XskSocket {
 public:
  /// Creates the socket, registers the memory and maps the rings; not bound yet, so that the fill
  /// ring can be filled first: most drivers take their frames when the socket is bound, and Intel's
  /// misbehave when there are none. Throws Failure: CAP-RAW-01, XSK-KERNEL-01, MEM-LOCK-01.
  /// With `transmit`, the bytes in front of a frame are registered for requests as well, where the
  /// kernel knows of such: takes_tx_metadata() says so.
  XskSocket(const Umem& umem, const RingSizes& sizes, const TxMetadataWishes& transmit = {});

  /// Binds with exactly one of XDP_ZEROCOPY and XDP_COPY: without either the kernel would fall back
  /// silently. Answers 0 or the errno. EBUSY is retried for a second: the kernel releases the queue
  /// of a closed socket 13 to 29 ms later. A socket that was refused one mode may be bound with the
  /// other.
  /// `several_buffers`: for packets that are larger than a frame as well; kernels before 6.6 answer
  /// EINVAL, and drivers that cannot do it in zero-copy EOPNOTSUPP.
  [[nodiscard]] int try_bind(InterfaceIndex interface, QueueId queue, bool zerocopy,
                             bool several_buffers = false);

  /// Once bound with copies: moves the TX ring to a socket of its own, on the same queue and
  /// memory. The kernel counts each packet that finds no room in a line of the receiving socket;
  /// one that is sent as well waits for that line several times a frame. Where that cannot be, the
  /// ring stays where it is. Before anything is put into it.
  void send_apart(InterfaceIndex interface, QueueId queue);

  /// Asks for preferred busy polling: the NIC's interrupts for the queue stay off while system
  /// calls on this socket poll its NAPI, for at most `budget` packets each. Before the bind.
  /// Answers 0 or the errno: EPERM without CAP_NET_ADMIN, ENOPROTOOPT before Linux 5.11.
  [[nodiscard]] int prefer_busy_polling(std::uint32_t budget);

  /// The NAPI that these calls poll; 0: the kernel does not know it, and they poll nothing.
  [[nodiscard]] std::uint32_t napi_id() const noexcept;

  /// What the kernel says it is, once bound.
  [[nodiscard]] bool is_zerocopy() const;

  [[nodiscard]] bool takes_tx_metadata() const noexcept { return takes_tx_metadata_; }

  /// The counts of both sockets. Throws std::system_error.
  [[nodiscard]] xdp_statistics statistics() const;

  [[nodiscard]] int fd() const noexcept { return fd_.get(); }
  /// Of the socket that has the TX ring.
  [[nodiscard]] int send_fd() const noexcept { return sender_ ? sender_.get() : fd_.get(); }

  xsk_ring_prod fill{};
  xsk_ring_cons completion{};
  xsk_ring_cons rx{};
  xsk_ring_prod tx{};

 private:
  // The mappings hold the socket open as well: they go first, or the queue stays taken.
  UniqueFd fd_;
  UniqueFd sender_;  // none: the TX ring is fd_'s
  bool takes_tx_metadata_ = false;
  Mapping fill_memory_, completion_memory_, rx_memory_, tx_memory_;
};

/// Throws the Failure for a bind that `try_bind` answered with `error`: XSK-BUSY-01, XSK-ZC-01,
/// XSK-BIND-01, CAP-RAW-01.
[[noreturn]] void refuse_bind(const Interface& interface, QueueId queue, bool zerocopy, int error,
                              std::uint32_t frame_size);

}  // namespace valinor::packet_io::afxdp
