#include "packet_io/afxdp/afxdp_port.hpp"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <thread>

#include "base/failure.hpp"
#include "base/log.hpp"
#include "packet_io/afxdp/rx_metadata.hpp"

namespace valinor::packet_io::afxdp {
namespace {

/// Wake-ups without visible progress after which the kernel is left alone until the next turn.
/// Two, because Linux before 6.17 shows what it took from the TX ring one call late.
constexpr unsigned kFruitlessWakes = 2;

constexpr int kWaitMilliseconds = 100;
/// While frames wait in the TX ring that the kernel does not take now.
constexpr int kWaitWithPendingMilliseconds = 1;

/// A worker's ports: one, or one on each side.
constexpr std::size_t kMaxWaited = 2;

/// A ring index that the kernel writes; pairs with its release store.
std::uint32_t load(const std::uint32_t* index) noexcept {
  return __atomic_load_n(index, __ATOMIC_ACQUIRE);
}

}  // namespace

AfxdpPort::AfxdpPort(const Interface& interface, QueueId queue, FramePool& pool,
                     const RingSizes& rings, Mode mode, Use use, const TxMetadataWishes& transmit,
                     const SocketWishes& wishes)
    : queue_{queue},
      use_{use},
      wishes_{wishes},
      pool_{pool},
      rings_{rings},
      transmit_wishes_{transmit} {
  open(interface, mode);
}

void AfxdpPort::open(const Interface& interface, Mode mode) {
  socket_.emplace(pool_.memory(), rings_, transmit_wishes_);
  several_buffers_ =
      use_ != Use::transmit_only && is_larger_than_frame(interface, pool_.memory().shape());
  unfilled_ = 0;
  refill();
  prefer_busy_polling();
  bind(interface, mode);
  if (!zerocopy_) unfilled_ = rings_.fill - std::min(rings_.fill, rings_.rx);
  find_napi(interface);
  if (several_buffers_) take_several_buffers(interface);
  if (transmit_wishes_.any()) grant(interface);
}

void AfxdpPort::close() noexcept {
  if (!socket_) return;
  try {
    closed_statistics_ = kernel_statistics();
  } catch (const std::exception& error) {
    log::error("queue {}: drops of a closed socket are not in the books: {}", queue_.value(),
               error.what());
  }
  tx_metadata_.reset();
  socket_.reset();
}

void AfxdpPort::reopen(const Interface& interface, Mode mode) {
  zerocopy_refusal_.clear();
  transmit_refusal_.clear();
  busy_poll_refusal_.clear();
  busy_polling_ = BusyPolling::off;
  most_buffers_sent_ = 1;
  later_buffers_sent_ = 0;
  try {
    open(interface, mode);
  } catch (...) {
    close();
    throw;
  }
}

Frame AfxdpPort::frame_at(std::uint64_t address, std::uint32_t bytes) const noexcept {
  return {.data = pool_.memory().at(address),
          .bytes = bytes,
          .wire_bytes = bytes,
          .headroom = static_cast<std::uint32_t>(address - pool_.memory().start_of(address)),
          .address = address,
          .arrival = {}};
}

std::size_t AfxdpPort::receive(std::span<Frame> frames) noexcept {
  if (takes_several_buffers()) return receive_packets(frames);
  std::uint32_t index = 0;
  const std::uint32_t count =
      xsk_ring_cons__peek(&socket_->rx, static_cast<std::uint32_t>(frames.size()), &index);
  if (count == 0) return 0;
  for (std::uint32_t i = 0; i < count; ++i) {
    const xdp_desc& descriptor = *xsk_ring_cons__rx_desc(&socket_->rx, index + i);
    frames[i] = frame_at(descriptor.addr, descriptor.len);
  }
  xsk_ring_cons__release(&socket_->rx, count);
  if (headerless_ != nullptr) take_headers(frames.first(count));
  pool_.handed_out(count);
  counters_.received.add(count);
  return count;
}

/// Sees `headerless` set if one of these frames has no header: the program set it before the kernel
/// put the frame into the RX ring, whose index was read with acquire.
void AfxdpPort::take_headers(std::span<Frame> frames) noexcept {
  if (__atomic_load_n(headerless_, __ATOMIC_RELAXED) != 0) {
    counters_.without_header.add(frames.size());
    return;
  }
  std::uint64_t headers = 0, tags = 0;
  for (Frame& frame : frames) {
    const RxMetadataFound found = take_rx_metadata(frame, tells_);
    headers += found.header ? 1 : 0;
    tags += found.vlan_tag ? 1 : 0;
  }
  counters_.headers.add(headers);
  counters_.without_header.add(frames.size() - headers);
  counters_.vlan_tags.add(tags);
}

std::size_t AfxdpPort::transmit(std::span<const Frame> frames) noexcept {
  if (pool_.chains().enabled()) return transmit_packets(frames);
  return tx_metadata_ ? transmit_all<true>(frames) : transmit_all<false>(frames);
}

template <bool kDescribed>
std::size_t AfxdpPort::transmit_all(std::span<const Frame> frames) noexcept {
  const std::uint32_t room =
      xsk_prod_nb_free(&socket_->tx, static_cast<std::uint32_t>(frames.size()));
  std::uint32_t index = socket_->tx.cached_prod;  // where reserve() below will start
  std::uint32_t written = 0;
  std::size_t taken = 0;
  for (; taken < frames.size() && written < room; ++taken) {
    const Frame& frame = frames[taken];
    const std::uint64_t address = pool_.memory().address_of(frame.data);
    if (frame.bytes == 0 || !pool_.memory().fits(address, frame.bytes)) {
      // What the kernel does with such a descriptor differs by version: it never sees one.
      counters_.refused_by_port.add(1);
      free(frame.address);
      continue;
    }
    std::uint32_t options = 0;
    if constexpr (kDescribed) options = tx_metadata_->request(frame, address);
    *xsk_ring_prod__tx_desc(&socket_->tx, index + written) = {address, frame.bytes, options};
    ++written;
  }
  if (written != 0) {
    xsk_ring_prod__reserve(&socket_->tx, written, &index);
    xsk_ring_prod__submit(&socket_->tx, written);
    counters_.transmitted.add(written);
  }
  pool_.came_back(taken);
  return taken;
}

void AfxdpPort::recycle(std::span<const Frame> frames) noexcept {
  if (pool_.chains().enabled()) return recycle_packets(frames);
  const std::size_t bogus =
      pool_.give(frames.size(), [&](std::size_t i) { return frames[i].address; });
  if (bogus != 0) counters_.bogus_addresses.add(bogus);
  pool_.came_back(frames.size());
}

std::size_t AfxdpPort::allocate(std::span<Frame> frames) noexcept {
  const std::size_t count = std::min(frames.size(), pool_.free());
  for (Frame& frame : frames.first(count)) {
    const std::uint64_t address = pool_.take() + pool_.memory().headroom();
    frame = Frame{.data = pool_.memory().at(address),
                  .bytes = 0,
                  .wire_bytes = 0,
                  .address = address,
                  .arrival = {}};
  }
  pool_.handed_out(count);
  return count;
}

void AfxdpPort::flush() noexcept {
  collect();
  refill();
  if (busy_polling_.load(std::memory_order_relaxed) != BusyPolling::off) return poll_busily();
  wake_transmit();
  wake_receive();
}

/// Completion ring to free list.
void AfxdpPort::collect() noexcept {
  std::uint32_t index = 0;
  const std::uint32_t count =
      xsk_ring_cons__peek(&socket_->completion, socket_->completion.size, &index);
  if (count == 0) return;
  std::uint32_t later_buffers = 0;
  for (std::uint32_t i = 0; i < count; ++i) {
    const std::uint64_t address = *xsk_ring_cons__comp_addr(&socket_->completion, index + i);
    if (later_buffers_sent_ != 0 && is_later_buffer(address)) ++later_buffers;
    if (tx_metadata_) tx_metadata_->completed(address);
    free(address);
  }
  xsk_ring_cons__release(&socket_->completion, count);
  counters_.completed.add(count - later_buffers);
}

/// Free list to fill ring, as far as it is to be filled.
void AfxdpPort::refill() noexcept {
  if (use_ == Use::transmit_only || pool_.free() == 0) return;
  const auto wanted = static_cast<std::uint32_t>(pool_.free());
  const std::uint32_t room = xsk_prod_nb_free(&socket_->fill, wanted + unfilled_);
  if (room <= unfilled_) return;
  const std::uint32_t count = std::min(wanted, room - unfilled_);
  std::uint32_t index = 0;
  if (xsk_ring_prod__reserve(&socket_->fill, count, &index) == 0) return;
  pool_.take(count, [&](std::uint32_t i, std::uint64_t address) {
    *xsk_ring_prod__fill_addr(&socket_->fill, index + i) = address;
  });
  xsk_ring_prod__submit(&socket_->fill, count);
}

void AfxdpPort::wake_transmit() noexcept {
  std::uint32_t pending = transmit_pending();
  if (pending == 0) return;
  if (zerocopy_) {
    // The flag must be read after the kernel can see our descriptors, or both sides sleep.
    std::atomic_thread_fence(std::memory_order_seq_cst);
    if (xsk_ring_prod__needs_wakeup(&socket_->tx) != 0) kick_transmit();
    return;
  }
  // In copy mode the kernel sends inside our call: so many frames (XskSocket), or fewer where one
  // is refused.
  for (unsigned fruitless = 0; pending != 0 && fruitless < kFruitlessWakes;) {
    if (!kick_transmit()) return;
    collect();  // a full completion ring stops sending
    const std::uint32_t left = transmit_pending();
    fruitless = left < pending ? 0 : fruitless + 1;
    pending = left;
  }
}

/// False where there is no use in trying again now.
bool AfxdpPort::kick_transmit() noexcept {
  counters_.wakes.add(1);
  if (::sendto(socket_->send_fd(), nullptr, 0, MSG_DONTWAIT, nullptr, 0) >= 0) return true;
  switch (errno) {
    case EAGAIN:   // more to send than one call may, or the completion ring is full
    case ENOBUFS:  // no memory for a socket buffer now
    case EINTR: return true;
    case EBUSY:
      // Copy mode: the device dropped one frame, which completes like the others.
      if (!zerocopy_) counters_.refused_by_device.add(1);
      return true;
    default:  // ENETDOWN, ENXIO: the interface is down or gone
      counters_.device_trouble.add(1);
      return false;
  }
}

void AfxdpPort::wake_receive() noexcept {
  if (use_ == Use::transmit_only || !zerocopy_) return;  // copy mode takes frames as it needs them
  std::atomic_thread_fence(std::memory_order_seq_cst);   // as in wake_transmit()
  if (xsk_ring_prod__needs_wakeup(&socket_->fill) == 0) return;
  counters_.wakes.add(1);
  ::recvfrom(socket_->fd(), nullptr, 0, MSG_DONTWAIT, nullptr, nullptr);
}

void AfxdpPort::wait(std::span<AfxdpPort* const> ports) noexcept {
  std::array<pollfd, 2 * kMaxWaited> sources{};
  std::size_t count = 0;
  int timeout = kWaitMilliseconds;
  for (const AfxdpPort* port : ports.first(std::min(ports.size(), kMaxWaited))) {
    sources[count++] = {port->wake_event_.fd(), POLLIN, 0};
    const bool has_pending = !port->zerocopy_ && port->transmit_pending() != 0;
    if (has_pending) timeout = kWaitWithPendingMilliseconds;
    // In copy mode poll() on the socket that sends would send what is pending, and swallow the
    // refusals that we count.
    if (!has_pending || port->fd() != port->send_fd()) {
      sources[count++] = {port->fd(), POLLIN, 0};
    }
  }
  if (::poll(sources.data(), count, timeout) <= 0) return;
  for (const AfxdpPort* port : ports) port->wake_event_.clear();
}

void AfxdpPort::finish(std::span<AfxdpPort* const> ports,
                       std::chrono::steady_clock::time_point deadline) noexcept {
  const auto has_all_back = [](const AfxdpPort* port) { return port->at_kernel() == 0; };
  for (AfxdpPort* port : ports) port->flush();
  while (!std::all_of(ports.begin(), ports.end(), has_all_back) &&
         std::chrono::steady_clock::now() < deadline) {
    std::this_thread::sleep_for(std::chrono::microseconds{50});
    for (AfxdpPort* port : ports) port->flush();
  }
  for (AfxdpPort* port : ports) port->counters_.unfinished.add(port->packets_at_kernel());
}

xdp_statistics AfxdpPort::kernel_statistics() const {
  xdp_statistics sum = closed_statistics_;
  if (!socket_) return sum;
  const xdp_statistics now = socket_->statistics();
  sum.rx_dropped += now.rx_dropped;
  sum.rx_invalid_descs += now.rx_invalid_descs;
  sum.tx_invalid_descs += now.tx_invalid_descs;
  sum.rx_ring_full += now.rx_ring_full;
  sum.rx_fill_ring_empty_descs += now.rx_fill_ring_empty_descs;
  sum.tx_ring_empty_descs += now.tx_ring_empty_descs;
  return sum;
}

FrameCensus AfxdpPort::census() const noexcept {
  const XskSocket& s = *socket_;
  return {.free = pool_.free(),
          .fill = s.fill.cached_prod - load(s.fill.consumer),
          .rx = load(s.rx.producer) - s.rx.cached_cons,
          .worker = pool_.in_worker(),
          .tx = transmit_pending(),
          .completion = load(s.completion.producer) - s.completion.cached_cons};
}

/// One frame to the free list; `address` may be anywhere in it.
void AfxdpPort::free(std::uint64_t address) noexcept {
  if (!pool_.give(address)) counters_.bogus_addresses.add(1);
}

std::uint32_t AfxdpPort::transmit_pending() const noexcept {
  return socket_->tx.cached_prod - load(socket_->tx.consumer);
}

/// Packets that were taken for sending, have not come back, and are not given up yet.
std::uint64_t AfxdpPort::packets_at_kernel() const noexcept {
  return counters_.transmitted.value() - counters_.completed.value() - counters_.unfinished.value();
}

std::uint64_t AfxdpPort::at_kernel() const noexcept {
  return packets_at_kernel() + later_buffers_sent_;
}

}  // namespace valinor::packet_io::afxdp
