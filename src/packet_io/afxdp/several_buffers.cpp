// AfxdpPort's receive(), transmit() and recycle() where packets may be of several buffers
// (XDP_USE_SG): the Frame is the first one, PacketChains knows the others. A packet is received,
// sent and given back whole.

#include "nic/xdp_features.hpp"
#include "packet_io/afxdp/afxdp_port.hpp"

namespace valinor::packet_io::afxdp {
namespace {

/// linux/if_xdp.h of Debian 12 lacks it (Linux 6.6): XDP_PKT_CONTD, the packet goes on.
constexpr std::uint32_t kGoesOn = 1U << 0;

}  // namespace

/// Once bound: how long the packets may be that this socket sends.
void AfxdpPort::take_several_buffers(const Interface& interface) {
  pool_.chains().enable(pool_.memory());
  most_buffers_sent_ = kMaxBuffers;
  if (!zerocopy_) return;
  const auto features = nic::xdp_features(nic::Device{interface.name});
  if (features && features->zc_max_segments) most_buffers_sent_ = *features->zc_max_segments;
}

/// Descriptors of the packet that starts at `index`; 0 where not all of it is there yet.
std::uint32_t AfxdpPort::descriptors_of_packet(std::uint32_t index,
                                               std::uint32_t available) const noexcept {
  for (std::uint32_t i = 0; i < available; ++i) {
    if ((xsk_ring_cons__rx_desc(&socket_->rx, index + i)->options & kGoesOn) == 0) return i + 1;
  }
  return 0;
}

Frame AfxdpPort::take_packet(std::uint32_t index, std::uint32_t buffers) noexcept {
  const xdp_desc& first = *xsk_ring_cons__rx_desc(&socket_->rx, index);
  Frame frame = frame_at(first.addr, first.len);
  std::uint64_t last = first.addr;
  for (std::uint32_t i = 1; i < buffers; ++i) {
    const xdp_desc& next = *xsk_ring_cons__rx_desc(&socket_->rx, index + i);
    pool_.chains().link(last, {next.addr, next.len});
    frame.wire_bytes += next.len;
    last = next.addr;
  }
  return frame;
}

std::size_t AfxdpPort::receive_packets(std::span<Frame> frames) noexcept {
  std::uint32_t index = 0;
  const std::uint32_t available = xsk_ring_cons__peek(&socket_->rx, socket_->rx.size, &index);
  std::uint32_t used = 0;
  std::uint64_t several = 0, buffers_taken = 0;
  std::size_t received = 0;
  while (received < frames.size() && used < available) {
    const std::uint32_t buffers = descriptors_of_packet(index + used, available - used);
    if (buffers == 0) break;
    if (buffers > kMaxBuffers) {
      for (std::uint32_t i = 0; i < buffers; ++i) {
        free(xsk_ring_cons__rx_desc(&socket_->rx, index + used + i)->addr);
      }
      counters_.too_many_buffers.add(1);
    } else {
      frames[received++] = take_packet(index + used, buffers);
      buffers_taken += buffers;
      several += buffers > 1 ? 1 : 0;
    }
    used += buffers;
  }
  if (used < available) {
    xsk_ring_cons__cancel(&socket_->rx, available - used);
    // peek() looks for more only where it knows of none: the rest of a packet would not be seen.
    socket_->rx.cached_prod = __atomic_load_n(socket_->rx.producer, __ATOMIC_ACQUIRE);
  }
  if (used != 0) xsk_ring_cons__release(&socket_->rx, used);
  if (received == 0) return 0;
  if (headerless_ != nullptr) take_headers(frames.first(received));
  pool_.handed_out(buffers_taken);
  counters_.received.add(received);
  counters_.several_buffers.add(several);
  return received;
}

std::span<const wire::Bytes> AfxdpPort::rest_of(const Frame& frame,
                                                std::span<wire::Bytes> room) const noexcept {
  if (frame.wire_bytes <= frame.bytes || !pool_.chains().enabled()) return {};
  std::size_t count = 0;
  for (auto next = pool_.chains().after(frame.address); next.bytes != 0 && count < room.size();
       next = pool_.chains().after(next.address)) {
    room[count++] = {pool_.memory().at(next.address), next.bytes};
  }
  return room.first(count);
}

bool AfxdpPort::may_send(const Frame& frame, std::uint32_t buffers) const noexcept {
  const Umem& memory = pool_.memory();
  if (frame.bytes == 0 || !memory.fits(memory.address_of(frame.data), frame.bytes)) return false;
  if (buffers == 1) return true;
  if (buffers > most_buffers_sent_) return false;
  for (auto next = pool_.chains().after(frame.address); next.bytes != 0;
       next = pool_.chains().after(next.address)) {
    if (!memory.fits(next.address, next.bytes)) return false;
  }
  return true;
}

/// Into the TX ring from `index` on, which has room for all of its buffers.
void AfxdpPort::send_packet(const Frame& frame, std::uint32_t index) noexcept {
  const std::uint64_t address = pool_.memory().address_of(frame.data);
  const std::uint32_t options = tx_metadata_ ? tx_metadata_->request(frame, address) : 0;
  xdp_desc* last = xsk_ring_prod__tx_desc(&socket_->tx, index);
  *last = {address, frame.bytes, options};
  if (frame.wire_bytes <= frame.bytes) return;
  for (auto next = pool_.chains().cut(frame.address); next.bytes != 0;
       next = pool_.chains().cut(next.address)) {
    last->options |= kGoesOn;
    last = xsk_ring_prod__tx_desc(&socket_->tx, ++index);
    *last = {next.address, next.bytes, 0};
    pool_.chains().mark(next.address);
    ++later_buffers_sent_;
  }
}

std::size_t AfxdpPort::transmit_packets(std::span<const Frame> frames) noexcept {
  const std::uint32_t room = xsk_prod_nb_free(&socket_->tx, socket_->tx.size);
  std::uint32_t index = socket_->tx.cached_prod;  // where reserve() below will start
  std::uint32_t written = 0;
  std::uint64_t sent = 0, buffers_taken = 0;
  std::size_t taken = 0;
  for (; taken < frames.size(); ++taken) {
    const Frame& frame = frames[taken];
    const std::uint32_t buffers = pool_.chains().buffers_of(frame);
    if (!may_send(frame, buffers)) {
      counters_.refused_by_port.add(1);
      free_packet(frame);
    } else if (buffers > room - written) {
      break;
    } else {
      send_packet(frame, index + written);
      written += buffers;
      ++sent;
    }
    buffers_taken += buffers;
  }
  if (written != 0) {
    xsk_ring_prod__reserve(&socket_->tx, written, &index);
    xsk_ring_prod__submit(&socket_->tx, written);
    counters_.transmitted.add(sent);
  }
  pool_.came_back(buffers_taken);
  return taken;
}

void AfxdpPort::recycle_packets(std::span<const Frame> frames) noexcept {
  std::uint64_t buffers = 0;
  for (const Frame& frame : frames) buffers += free_packet(frame);
  pool_.came_back(buffers);
}

/// All buffers of it to the free list; answers how many.
std::uint32_t AfxdpPort::free_packet(const Frame& frame) noexcept {
  std::uint32_t buffers = 1;
  if (frame.wire_bytes > frame.bytes) {
    for (auto next = pool_.chains().cut(frame.address); next.bytes != 0; ++buffers) {
      const auto following = pool_.chains().cut(next.address);
      free(next.address);
      next = following;
    }
  }
  free(frame.address);
  return buffers;
}

/// Whether an address that came back is of a buffer that is not its packet's first.
bool AfxdpPort::is_later_buffer(std::uint64_t address) noexcept {
  if (!pool_.memory().holds(address) || !pool_.chains().unmark(address)) {
    return false;
  }
  --later_buffers_sent_;
  return true;
}

}  // namespace valinor::packet_io::afxdp
