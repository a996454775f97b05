/// Worker's functions; included by the file that instantiates it for a port, and by nothing else.
#pragma once

#include <optional>

#include "clock/tsc.hpp"
#include "pipeline/worker.hpp"
#include "telemetry/edit/reflect.hpp"

namespace valinor::pipeline {

[[nodiscard]] inline std::optional<telemetry::p4netintel::Layout> to_layout(
    std::optional<std::uint8_t> collect_size) noexcept {
  if (!collect_size) return std::nullopt;
  return static_cast<telemetry::p4netintel::Layout>(*collect_size);
}

template <packet_io::Port P>
Worker<P>::Worker(const WorkerConfig& config, std::uint32_t id, P& port,
                  telemetry::RecordRing& records, const clock::SharedTimebase& timebase)
    : role_{config.role},
      max_hops_{config.max_hops},
      id_{id},
      match_{config.match},
      decoder_{to_layout(config.collect_size)},
      port_{port},
      records_{records},
      timebase_{timebase},
      spare_hops_{std::make_unique<telemetry::HopRecord[]>(config.max_hops)} {}

template <packet_io::Port P>
bool Worker<P>::turn() noexcept {
  const std::size_t received = port_.receive(burst_);
  if (received == 0) {
    port_.flush();
    return false;
  }
  const clock::Timebase timebase = timebase_.load();
  std::size_t outgoing = 0;
  std::size_t done = 0;
  std::uint64_t bytes = 0;
  for (std::size_t i = 0; i < received; ++i) {
    bytes += burst_[i].bytes;
    if (treat(burst_[i], timebase) == Fate::transmit) {
      outgoing_[outgoing++] = burst_[i];
    } else {
      done_[done++] = burst_[i];
    }
  }
  const std::size_t taken = port_.transmit({outgoing_.data(), outgoing});
  for (std::size_t i = taken; i < outgoing; ++i) done_[done++] = outgoing_[i];
  port_.recycle({done_.data(), done});
  port_.flush();
  records_.publish();

  stats_.received.add(received);
  stats_.received_bytes.add(bytes);
  stats_.transmitted.add(taken);
  stats_.dropped[static_cast<std::size_t>(DropReason::tx_full)].add(outgoing - taken);
  stats_.bursts.add(1);
  return true;
}

template <packet_io::Port P>
auto Worker<P>::drop(DropReason reason) noexcept -> Fate {
  stats_.dropped[static_cast<std::size_t>(reason)].add(1);
  return Fate::recycle;
}

template <packet_io::Port P>
auto Worker<P>::treat(const packet_io::Frame& frame, const clock::Timebase& timebase) noexcept
    -> Fate {
  const wire::Decision decision = match_.decide(frame.span());
  stats_.decisions[static_cast<std::size_t>(decision)].add(1);
  if (!wire::is_telemetry(decision)) {
    // Only a capture holds such frames: on a NIC the XDP program has left them to the stack.
    stats_.passed.add(1);
    return Fate::recycle;
  }

  telemetry::RecordSlot slot = records_.reserve(max_hops_);
  const bool in_ring = slot.packet != nullptr;
  if (!in_ring) {
    spare_packet_ = {};
    slot = {&spare_packet_, spare_hops_.get(), max_hops_};
  }
  telemetry::Anatomy anatomy;
  const DropReason reason = decoder_.decode(frame.span(), decision, slot, anatomy);
  if (reason != DropReason::none) return drop(reason);
  keep_record(frame, slot, in_ring, timebase);

  switch (role_) {
    case Role::collect: break;
    case Role::reflect: telemetry::reflect(frame.span(), anatomy); return Fate::transmit;
  }
  stats_.consumed.add(1);
  return Fate::recycle;
}

template <packet_io::Port P>
void Worker<P>::keep_record(const packet_io::Frame& frame, const telemetry::RecordSlot& slot,
                            bool in_ring, const clock::Timebase& timebase) noexcept {
  telemetry::PacketRecord& packet = *slot.packet;
  if constexpr (P::kStampsArrival) {
    packet.received = frame.arrival;
    if (frame.wire_bytes > packet.packet_bytes && packet.format == telemetry::Format::p4netintel) {
      packet.packet_bytes = frame.wire_bytes;  // the capture cut the frame, not the switch
    }
  } else {
    // One reading a packet: two packets with the same stamp, and else alike, would be one record
    // in a sorted set.
    packet.received = timebase.to_host(clock::read_tsc());
  }
  packet.frame_bytes = frame.bytes;
  packet.worker = id_;

  stats_.records.add(1);
  stats_.hops.add(packet.hop_count);
  if (packet.flags & telemetry::flag::kHopsCut) {
    stats_.hops_cut.add(std::uint64_t{packet.hops_claimed} - packet.hop_count);
  }
  if (packet.flags & telemetry::flag::kMonitorCopy) stats_.monitor_copies.add(1);
  if (packet.flags & telemetry::flag::kHostLittleEndian) stats_.host_little_endian.add(1);
  if (in_ring) {
    records_.commit(slot);
  } else {
    stats_.records_ring_full.add(1);
  }
}

template <packet_io::Port P>
void Worker<P>::run(const std::stop_token& stop, std::size_t spin) noexcept {
  std::size_t idle = 0;
  while (!stop.stop_requested() && !port_.at_end()) {
    if (turn()) {
      idle = 0;
    } else if (++idle > spin) {
      port_.wait();
    }
  }
  while (turn()) {
  }
}

}  // namespace valinor::pipeline
