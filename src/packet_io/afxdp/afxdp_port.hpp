/// Packets of one queue by AF_XDP, in place: a frame is received, changed and sent in the memory
/// that the NIC (or the kernel's one copy) put it in.
///
///   free list -> FILL -> (kernel) -> RX -> worker -> TX -> (kernel) -> COMPLETION -> free list
///        ^                                   |
///        +------------- recycle -------------+
///
/// A frame is in one of these places at a time. flush() is what moves frames from the free list
/// to the kernel and collects those that were sent; without it the queue starves.
///
/// One thread, the worker's, calls everything, except: wake_up(), counters() and what set-up
/// learned may be used by any thread; kernel_statistics() as well. While no worker runs, set-up's
/// thread may close() the port and reopen() it: the counters go on.
#pragma once

#include <linux/if_xdp.h>

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "base/counter.hpp"
#include "base/units.hpp"
#include "base/wake_event.hpp"
#include "packet_io/afxdp/config.hpp"
#include "packet_io/afxdp/frame_pool.hpp"
#include "packet_io/afxdp/interface.hpp"
#include "packet_io/afxdp/tx_metadata.hpp"
#include "packet_io/afxdp/xsk_socket.hpp"
#include "packet_io/frame.hpp"
#include "packet_io/port.hpp"
#include "wire/reader.hpp"

namespace valinor::packet_io::afxdp {

/// Written by the port's thread.
struct PortCounters {
  Counter received;           // packets handed to the worker
  Counter several_buffers;    // ... of these, larger than a frame of packet memory
  Counter too_many_buffers;   // packets that the port threw away: of more than kMaxBuffers
  Counter transmitted;        // packets taken into the TX ring
  Counter completed;          // of those: given back by the kernel, sent or refused
  Counter refused_by_device;  // of those: dropped by the device, with an error
  Counter refused_by_port;    // not taken into the ring: empty, not within one frame, too long
  Counter unfinished;         // not given back before the stop
  Counter bogus_addresses;    // given back: outside our memory, or one frame too many
  Counter device_trouble;     // wake-ups answered by ENETDOWN and the like: the interface is gone
  Counter headers;            // received frames with a sound header of the metadata program
  Counter without_header;     // ... and without one, though the program writes them
  Counter vlan_tags;          // put back: the NIC had taken them out
  Counter wakes;              // system calls that ask the kernel to send, or to receive

  /// Frames that left: what the worker may call transmitted once finish() has returned.
  [[nodiscard]] std::uint64_t sent() const noexcept {
    // The refusal is seen before the completion of the same frame.
    const std::uint64_t back = completed.value(), refused = refused_by_device.value();
    return back > refused ? back - refused : 0;
  }
  /// DropReason::tx_refused.
  [[nodiscard]] std::uint64_t refused() const noexcept {
    return refused_by_device.value() + refused_by_port.value();
  }
};

/// Where the frames of a port and its pool are, read from the rings. Between a ring and the next, a
/// frame is the kernel's alone and in none of the counts.
struct FrameCensus {
  std::uint64_t free = 0, fill = 0, rx = 0, worker = 0, tx = 0, completion = 0;
  [[nodiscard]] std::uint64_t total() const noexcept {
    return free + fill + rx + worker + tx + completion;
  }
};

class AfxdpPort {
 public:
  static constexpr bool kStampsArrival = false;

  /// Binds the queue in `mode` (`automatic`, `offload`: zero-copy, else copy; `skb` needs a program
  /// attached in generic mode). Throws Failure, see XskSocket and refuse_bind. The pool outlives
  /// the port.
  AfxdpPort(const Interface& interface, QueueId queue, FramePool& pool, const RingSizes& rings,
            Mode mode, Use use = Use::receive_and_transmit, const TxMetadataWishes& transmit = {},
            const SocketWishes& wishes = {});
  AfxdpPort(const AfxdpPort&) = delete;
  AfxdpPort& operator=(const AfxdpPort&) = delete;

  /// Gives the queue back, and forgets the frames that the kernel has: the pool must be reset
  /// before any port uses it again.
  void close() noexcept;

  /// Binds the same queue of an interface that may be another one by now. Throws Failure as the
  /// constructor does; the port is closed then.
  void reopen(const Interface& interface, Mode mode);

  /// From now on the frames that arrive have headers of the metadata program. `headerless` is the
  /// program's (RedirectProgram) and is there for as long as frames are received.
  void expect_headers(const RxMetadataWishes& tells, const std::uint32_t* headerless) noexcept {
    tells_ = tells;
    headerless_ = headerless;
  }

  /// What is asked for frames that are sent: of the wishes, what kernel and driver can do.
  [[nodiscard]] TxMetadataWishes transmit_grants() const noexcept {
    return tx_metadata_ ? tx_metadata_->granted() : TxMetadataWishes{};
  }
  /// Why the time of leaving is not told, where it was wished; else empty.
  [[nodiscard]] const std::string& transmit_refusal() const noexcept { return transmit_refusal_; }

  /// What a packet has besides the bytes of its Frame, buffer by buffer, in `room`.
  [[nodiscard]] std::span<const wire::Bytes> rest_of(const Frame& frame,
                                                     std::span<wire::Bytes> room) const noexcept;

  /// Whether packets may be larger than a frame.
  [[nodiscard]] bool takes_several_buffers() const noexcept { return most_buffers_sent_ > 1; }

  /// Whether flush() polls the NIC. Any thread.
  [[nodiscard]] bool is_busy_polling() const noexcept {
    return busy_polling_.load(std::memory_order_relaxed) == BusyPolling::on;
  }
  /// Whether it will from the first packet on: kernels before 6.13 learn then what to poll.
  [[nodiscard]] bool awaits_busy_polling() const noexcept {
    return busy_polling_.load(std::memory_order_relaxed) == BusyPolling::from_first_packet;
  }
  /// Why it does not, where it was wished; else empty.
  [[nodiscard]] const std::string& busy_poll_refusal() const noexcept { return busy_poll_refusal_; }

  /// Frames that left, of those for which the time was asked, since the last forget_departures().
  [[nodiscard]] std::span<const Departure> departures() const noexcept {
    return tx_metadata_ ? tx_metadata_->departures() : std::span<const Departure>{};
  }
  [[nodiscard]] DepartureClock departure_clock() const noexcept {
    return zerocopy_ ? DepartureClock::nic : DepartureClock::tai;
  }
  void forget_departures() noexcept {
    if (tx_metadata_) tx_metadata_->forget();
  }

  // packet_io::Port. transmit() takes a frame's bytes from Frame::data, which may have moved
  // within its piece of memory; frames that do not lie in one are taken and counted as refused.
  // A packet of several buffers is one Frame, of its first buffer, whose wire_bytes is larger than
  // its bytes: what is done with the Frame is done with the whole packet.
  [[nodiscard]] std::size_t receive(std::span<Frame> frames) noexcept;
  [[nodiscard]] std::size_t transmit(std::span<const Frame> frames) noexcept;
  void recycle(std::span<const Frame> frames) noexcept;
  void flush() noexcept;
  [[nodiscard]] bool at_end() const noexcept { return false; }
  [[nodiscard]] std::uint32_t waiting_to_leave() const noexcept { return transmit_pending(); }
  static void wait(std::span<AfxdpPort* const> ports) noexcept;

  /// Takes empty frames for sending, `bytes` 0; answers how many there were.
  [[nodiscard]] std::size_t allocate(std::span<Frame> frames) noexcept;

  /// Bytes that fit in a frame from `Frame::data` on, as received or allocated.
  [[nodiscard]] std::uint32_t room() const noexcept {
    return pool_.memory().frame_size() - pool_.memory().headroom();
  }

  /// Ends a wait() for ports of which this is one, now or the next one.
  void wake_up() const noexcept { wake_event_.raise(); }

  /// Sends what is in the TX rings and waits until the kernel has given everything back, of all
  /// ports at the same time. What it has not by the deadline is counted as unfinished. Call once,
  /// when nothing more is sent.
  static void finish(std::span<AfxdpPort* const> ports,
                     std::chrono::steady_clock::time_point deadline) noexcept;

  [[nodiscard]] const PortCounters& counters() const noexcept { return counters_; }
  [[nodiscard]] xdp_statistics kernel_statistics() const;
  [[nodiscard]] FrameCensus census() const noexcept;
  [[nodiscard]] std::uint32_t frames() const noexcept { return pool_.memory().frames(); }
  /// Frames that were taken for sending and have not come back, in the TX ring or beyond it.
  [[nodiscard]] std::uint64_t at_kernel() const noexcept;

  [[nodiscard]] QueueId queue() const noexcept { return queue_; }
  /// While the port is open: the socket that receives, and the one that sends, which may be the
  /// same one.
  [[nodiscard]] int fd() const noexcept { return socket_->fd(); }
  [[nodiscard]] int send_fd() const noexcept { return socket_->send_fd(); }
  [[nodiscard]] bool is_zerocopy() const noexcept { return zerocopy_; }
  /// Why zero-copy was refused where it was tried and failed; else empty.
  [[nodiscard]] const std::string& zerocopy_refusal() const noexcept { return zerocopy_refusal_; }

 private:
  void open(const Interface& interface, Mode mode);
  void bind(const Interface& interface, Mode mode);
  void grant(const Interface& interface);
  void prefer_busy_polling();
  void find_napi(const Interface& interface);
  void poll_busily() noexcept;
  template <bool kDescribed>
  std::size_t transmit_all(std::span<const Frame> frames) noexcept;
  [[nodiscard]] Frame frame_at(std::uint64_t address, std::uint32_t bytes) const noexcept;

  // several_buffers.cpp
  void take_several_buffers(const Interface& interface);
  [[nodiscard]] std::uint32_t descriptors_of_packet(std::uint32_t index,
                                                    std::uint32_t available) const noexcept;
  Frame take_packet(std::uint32_t index, std::uint32_t buffers) noexcept;
  std::size_t receive_packets(std::span<Frame> frames) noexcept;
  [[nodiscard]] bool may_send(const Frame& frame, std::uint32_t buffers) const noexcept;
  void send_packet(const Frame& frame, std::uint32_t index) noexcept;
  std::size_t transmit_packets(std::span<const Frame> frames) noexcept;
  void recycle_packets(std::span<const Frame> frames) noexcept;
  std::uint32_t free_packet(const Frame& frame) noexcept;
  bool is_later_buffer(std::uint64_t address) noexcept;

  void take_headers(std::span<Frame> frames) noexcept;
  void collect() noexcept;
  void refill() noexcept;
  void wake_transmit() noexcept;
  bool kick_transmit() noexcept;
  void wake_receive() noexcept;
  void free(std::uint64_t address) noexcept;
  [[nodiscard]] std::uint32_t transmit_pending() const noexcept;
  [[nodiscard]] std::uint64_t packets_at_kernel() const noexcept;

  enum class BusyPolling : std::uint8_t { off, from_first_packet, on };

  QueueId queue_;
  Use use_;
  SocketWishes wishes_;
  FramePool& pool_;
  RingSizes rings_;
  TxMetadataWishes transmit_wishes_;
  std::optional<XskSocket> socket_;     // nothing: closed
  xdp_statistics closed_statistics_{};  // of the sockets before this one
  WakeEvent wake_event_;
  RxMetadataWishes tells_;
  const std::uint32_t* headerless_ = nullptr;  // null: no headers are expected
  std::optional<TxMetadata> tx_metadata_;      // nothing: frames are sent as they are
  std::string transmit_refusal_;
  bool zerocopy_ = false;
  // Entries of the fill ring that stay empty. In copy mode a packet beyond those that the RX ring
  // holds is dropped whether it has a frame or not, and frames that go round sooner are still in a
  // cache.
  std::uint32_t unfilled_ = 0;
  bool several_buffers_ = false;          // packets may be larger than a frame
  std::uint32_t most_buffers_sent_ = 1;   // of a packet
  std::uint64_t later_buffers_sent_ = 0;  // that are not their packets' first, and not back yet
  std::string zerocopy_refusal_;
  // The port's thread writes it, at most once after set-up; nothing else depends on it.
  std::atomic<BusyPolling> busy_polling_ = BusyPolling::off;
  std::string busy_poll_refusal_;
  PortCounters counters_;
};

static_assert(Port<AfxdpPort>);

}  // namespace valinor::packet_io::afxdp
