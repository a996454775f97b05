/// Worker's functions; included by the file that instantiates it for a port, and by nothing else.
#pragma once

#include <algorithm>

#include "clock/tsc.hpp"
#include "pipeline/worker.hpp"
#include "telemetry/edit/reflect.hpp"
#include "telemetry/format/p4netintel.hpp"

namespace valinor::pipeline {

[[nodiscard]] inline std::optional<telemetry::p4netintel::Layout> to_layout(
    std::optional<std::uint8_t> collect_size) noexcept {
  if (!collect_size) return std::nullopt;
  return static_cast<telemetry::p4netintel::Layout>(*collect_size);
}

/// Flags of records that are counted apart; hardly any packet has one.
inline constexpr std::uint32_t kOdd =
    telemetry::flag::kHopsCut | telemetry::flag::kMonitorCopy | telemetry::flag::kHostLittleEndian;

/// What adapt() may be changing; nothing else depends on when that is seen.
template <class T>
[[nodiscard]] T current(const T& adapted) noexcept {
  return __atomic_load_n(&adapted, __ATOMIC_RELAXED);
}

// What follows is inlined by force: GCC takes a function that only prefetches for one without
// effect and leaves its calls out.

/// Two lines, the headers of most frames; fetched for a whole burst before the first is looked at.
/// Frames begin at multiples of 2048, so that the first-level cache has room for the first lines of
/// some 20 only: the others wait in the second one.
inline constexpr std::size_t kHeadBytes = 128;

[[gnu::always_inline]] inline void prefetch_heads(
    std::span<const packet_io::Frame> burst) noexcept {
  for (const packet_io::Frame& frame : burst) {
    __builtin_prefetch(frame.data);
    __builtin_prefetch(frame.data + kHeadBytes / 2);
  }
}

/// The lines of long telemetry are fetched so many frames ahead: those of a whole burst are more
/// than the first-level cache holds.
inline constexpr std::size_t kPrefetchAhead = 8;

/// Those of a frame that stays here are read once, so they go into the first-level cache alone:
/// from the second one, whoever writes the next frame there, the NIC or the kernel on another core,
/// would first have to get them back. What is sent on is read again, by a kernel that copies it.
template <bool kSentOn>
[[gnu::always_inline]] inline void prefetch_rest(const packet_io::Frame& frame,
                                                 std::uint32_t reach) noexcept {
  const std::uint32_t end = std::min(frame.bytes, reach);
  for (std::uint32_t at = kHeadBytes; at < end; at += kHeadBytes / 2) {
    __builtin_prefetch(frame.data + at, 0, kSentOn ? 3 : 0);
  }
}

/// How far into its frame the telemetry of a record reached, in bytes; about.
inline std::uint32_t reach_of(const telemetry::PacketRecord& record) noexcept {
  constexpr std::size_t kHeaders = 64;
  if (record.format != telemetry::Format::p4netintel) return kHeaders;
  const auto layout = static_cast<telemetry::p4netintel::Layout>(record.layout);
  return static_cast<std::uint32_t>(kHeaders + record.hops_claimed *
                                                   telemetry::p4netintel::trace_bytes(layout));
}

template <packet_io::Port P>
Worker<P>::Worker(const WorkerConfig& config, std::uint32_t id,
                  std::vector<Direction<P>> directions, const WorkerContext& context)
    : directions_{std::move(directions)},
      transmit_retries_{config.on_tx_full == OnTxFull::retry ? config.transmit_retries : 0},
      max_hops_{config.max_hops},
      id_{id},
      match_{config.match},
      decoder_{to_layout(config.collect_size)},
      editor_{config, context.rpcs},
      records_{context.records},
      shared_timebase_{context.timebase},
      timebase_{context.timebase.load()},
      arrivals_{context.clock},
      tai_offset_{clock::ClockName::tai, context.clock},
      spare_hops_{std::make_unique<telemetry::HopRecord[]>(config.max_hops)} {
  for (const Way& way : directions_) {
    if (std::find(ports_.begin(), ports_.end(), way.in) == ports_.end()) ports_.push_back(way.in);
  }
}

template <packet_io::Port P>
void Worker<P>::adapt(const P& out, std::uint32_t mtu, bool offload_checksums) noexcept {
  for (Way& way : directions_) {
    if (way.out != &out) continue;
    __atomic_store_n(&way.mtu, mtu, __ATOMIC_RELAXED);
    __atomic_store_n(&way.offload_checksums, offload_checksums, __ATOMIC_RELAXED);
  }
}

template <packet_io::Port P>
bool Worker<P>::turn() noexcept {
  bool received = false;
  for (const Way& way : directions_) received |= turn(way);
  for (P* port : ports_) port->flush();
  note_departures();
  if (received) records_.publish();
  return received;
}

template <packet_io::Port P>
bool Worker<P>::turn(const Way& way) noexcept {
  const std::size_t received = way.in->receive(burst_);
  if (received == 0) return false;
  timebase_ = shared_timebase_.load();
  if constexpr (!P::kStampsArrival) {
    arrivals_.begin_burst(way.in_clock, timebase_, clock::read_tsc());
  }
  records_.restart_if_empty();
  const bool all_stay = consumes(way);  // done are those received
  std::size_t outgoing = 0;
  std::size_t done = 0;
  std::uint64_t bytes = 0;
  const std::span<const Frame> burst = std::span{burst_}.first(received);
  prefetch_heads(burst);
  const bool is_long = reach_ > kHeadBytes;
  const auto fetch_rest = [&](std::size_t i) __attribute__((always_inline)) {
    if (i < received) {
      all_stay ? prefetch_rest<false>(burst[i], reach_) : prefetch_rest<true>(burst[i], reach_);
    }
  };
  for (std::size_t i = 0; is_long && i < kPrefetchAhead; ++i) fetch_rest(i);
  for (std::size_t i = 0; i < received; ++i) {
    Frame& frame = burst_[i];
    if (is_long) fetch_rest(i + kPrefetchAhead);
    bytes += frame.wire_bytes;
    if (treat(way, frame, i) == Fate::recycle) {
      if (!all_stay) done_[done++] = frame;
      continue;
    }
    if (pushed_) unfinished_hops_[unfinished_hop_count_++] = {outgoing, *pushed_};
    outgoing_[outgoing++] = frame;
  }
  const std::size_t taken = transmit(way, outgoing);
  for (std::size_t i = taken; i < outgoing; ++i) done_[done++] = outgoing_[i];
  way.in->recycle(all_stay ? std::span{burst_}.first(received) : std::span{done_}.first(done));

  if (tally_.records != 0) {
    reach_ = reach_of(*tally_.last);
    record_bytes_ = telemetry::RecordRing::entry_bytes(tally_.last->hop_count);
  }
  if (all_stay) stats_.consumed.add(tally_.records);
  stats_.records.add(tally_.records);
  stats_.hops.add(tally_.hops);
  tally_ = {};
  stats_.received.add(received);
  stats_.received_bytes.add(bytes);
  stats_.transmitted.add(taken);
  stats_.dropped[static_cast<std::size_t>(DropReason::tx_full)].add(outgoing - taken);
  stats_.bursts.add(1);
  return true;
}

/// Hands the first `count` outgoing frames over; answers how many were taken.
template <packet_io::Port P>
std::size_t Worker<P>::transmit(const Way& way, std::size_t count) noexcept {
  if (count == 0) return 0;
  finish_hops();
  std::size_t taken = way.out->transmit({outgoing_.data(), count});
  for (unsigned retry = 0; taken < count && retry < transmit_retries_; ++retry) {
    way.out->flush();
    taken += way.out->transmit({outgoing_.data() + taken, count - taken});
  }
  return taken;
}

template <packet_io::Port P>
void Worker<P>::note_departures() noexcept {
  if constexpr (requires(P & port) { port.forget_departures(); }) {
    for (const Way& way : directions_) {
      P& port = *way.in;
      const auto departures = port.departures();
      if (departures.empty()) continue;
      const bool by_nic = port.departure_clock() == packet_io::DepartureClock::nic;
      const auto nic = way.in_clock != nullptr ? way.in_clock->load() : clock::NicTimebase{};
      const Nanos tai_offset = by_nic ? Nanos{0} : tai_offset_();
      for (const packet_io::Departure& departure : departures) {
        if (departure.time == Nanos{0} || (by_nic && way.in_clock == nullptr)) {
          residence_.add_unanswered();
          continue;
        }
        const HostTime left =
            by_nic ? nic.to_host({departure.time}) : HostTime{departure.time + tai_offset};
        residence_.add(left - departure.arrival);
      }
      port.forget_departures();
    }
  }
}

template <packet_io::Port P>
void Worker<P>::complete_checksum(const Way& way, Frame& frame, bool by_nic) noexcept {
  std::array<wire::Bytes, packet_io::kMaxBuffers> room;
  std::span<const wire::Bytes> rest;
  if constexpr (requires(const P& port) { port.rest_of(frame, room); }) {
    if (frame.wire_bytes > frame.bytes) rest = way.in->rest_of(frame, room);
  }
  editor_.complete_checksum(frame, by_nic, rest);
}

/// As late as can be: the frames go to the TX ring next. A capture's clock stands still meanwhile.
template <packet_io::Port P>
void Worker<P>::finish_hops() noexcept {
  if (unfinished_hop_count_ == 0) return;
  if constexpr (!P::kStampsArrival) {
    const HostTime now = timebase_.to_host(clock::read_tsc());
    for (const UnfinishedHop& hop : std::span{unfinished_hops_}.first(unfinished_hop_count_)) {
      Editor::finish_hop(outgoing_[hop.outgoing], hop.place, now);
    }
  }
  unfinished_hop_count_ = 0;
}

/// Of a frame with broken telemetry: two-sided roles do not judge, they pass it on.
template <packet_io::Port P>
auto Worker<P>::refuse(const Way& way, DropReason reason) noexcept -> Fate {
  if (passes_everything(way.treatment)) {
    stats_.malformed[static_cast<std::size_t>(reason)].add(1);
    return Fate::transmit;
  }
  stats_.dropped[static_cast<std::size_t>(reason)].add(1);
  return Fate::recycle;
}

template <packet_io::Port P>
Arrival Worker<P>::arrival_of(const Frame& frame, std::size_t index) noexcept {
  if constexpr (P::kStampsArrival) {
    return {.time = frame.arrival};
  } else {
    return arrivals_.at(frame, index);
  }
}

/// What goes the long way is matched again: to keep the answer for it would cost every packet more.
template <packet_io::Port P>
DropReason Worker<P>::decode_any(const Frame& frame, const telemetry::RecordSlot& slot) noexcept {
  return decoder_.decode_any(frame.span(), frame.wire_bytes, match_.decide(frame.span()), slot,
                             anatomy_);
}

/// arrival_of(), into the packet's record.
template <packet_io::Port P>
inline void Worker<P>::stamp(const Frame& frame, std::size_t index,
                             telemetry::PacketRecord& record) noexcept {
  if constexpr (P::kStampsArrival) {
    record.received = frame.arrival;
  } else {
    arrivals_.stamp(frame, index, record);
  }
}

template <packet_io::Port P>
inline auto Worker<P>::treat(const Way& way, Frame& frame, std::size_t index) noexcept -> Fate {
  pushed_.reset();
  if (way.rewrite_macs) editor_.rewrite_macs(frame);
  bool is_tagged = false;
  const wire::Decision decision = match_.decide(frame.span(), is_tagged);
  if (!wire::is_telemetry(decision)) return treat_plain(way, frame, index);

  const telemetry::RecordSlot slot = reserve();
  // Between two bursts that are sent on the kernel copies: the ring has left the core's cache.
  if (!consumes(way)) records_.prefetch_room(record_bytes_);
  telemetry::Anatomy* const anatomy = consumes(way) ? nullptr : &(anatomy_ = {});
  if (is_tagged || !decoder_.decode_simple(frame.span(), frame.wire_bytes, decision, slot, anatomy))
      [[unlikely]] {
    const DropReason reason = decode_any(frame, slot);
    if (reason != DropReason::none) {
      frame.arrival = arrival_of(frame, index).time;
      return refuse(way, reason);
    }
  }
  telemetry::PacketRecord& record = *slot.packet;
  stamp(frame, index, record);
  record.frame_bytes = frame.bytes;
  if (frame.flow_hash != 0) {
    record.flow_hash = frame.flow_hash;
    record.flags |= telemetry::flag::kFlowHash;
  }
  keep(slot);
  return consumes(way) ? Fate::recycle : edit(way, frame, record);
}

template <packet_io::Port P>
inline auto Worker<P>::edit(const Way& way, Frame& frame,
                            const telemetry::PacketRecord& record) noexcept -> Fate {
  const HostTime now = frame.arrival = record.received;  // the port says when it left
  switch (way.treatment) {
    case Treatment::reflect: telemetry::reflect(frame.span(), anatomy_); break;
    case Treatment::take_request: editor_.remember(frame, anatomy_, record, now); [[fallthrough]];
    case Treatment::strip:
      editor_.strip(frame, anatomy_);
      if (way.complete_checksums) complete_checksum(way, frame, current(way.offload_checksums));
      break;
    case Treatment::push_hop:
      pushed_ =
          editor_.push_hop(frame, anatomy_, now, way.out->waiting_to_leave(), current(way.mtu));
      break;
    case Treatment::consume:
    case Treatment::pass_on:
    case Treatment::insert:
    case Treatment::give_reply: break;
  }
  return Fate::transmit;
}

template <packet_io::Port P>
auto Worker<P>::treat_plain(const Way& way, Frame& frame, std::size_t index) noexcept -> Fate {
  if (!passes_everything(way.treatment)) {
    // Only a capture holds such frames: on a NIC the XDP program has left them to the stack.
    stats_.passed.add(1);
    return Fate::recycle;
  }
  const Arrival arrival = arrival_of(frame, index);
  frame.arrival = arrival.time;
  if (way.complete_checksums) {
    // A NIC is told where in the frame; what is inserted later would move that.
    const bool stays = way.treatment == Treatment::pass_on || way.treatment == Treatment::strip;
    complete_checksum(way, frame, current(way.offload_checksums) && stays);
  }
  if (way.treatment == Treatment::insert) {
    pushed_ = editor_.insert(frame, arrival.time, way.out->waiting_to_leave(), current(way.mtu));
  } else if (way.treatment == Treatment::give_reply) {
    const telemetry::RecordSlot slot = reserve();
    if (editor_.answer(frame, arrival.time, current(way.mtu), slot)) {
      arrival.write_to(*slot.packet);
      slot.packet->frame_bytes = frame.bytes;
      stats_.host_pairs.add(1);
      keep(slot);
    }
  }
  return Fate::transmit;
}

/// Room for a record: in the ring, or, where that is full, in memory that nobody reads.
template <packet_io::Port P>
inline telemetry::RecordSlot Worker<P>::reserve() noexcept {
  telemetry::RecordSlot slot = records_.reserve(max_hops_);
  if (slot.packet == nullptr) [[unlikely]] {
    spare_packet_ = {};
    slot = {&spare_packet_, spare_hops_.get(), max_hops_};
  }
  return slot;
}

template <packet_io::Port P>
inline void Worker<P>::keep(const telemetry::RecordSlot& slot) noexcept {
  telemetry::PacketRecord& packet = *slot.packet;
  packet.worker = id_;
  ++tally_.records;
  tally_.last = &packet;
  tally_.hops += packet.hop_count;
  if ((packet.flags & kOdd) != 0) [[unlikely]]
    count_oddities(packet);
  if (slot.packet == &spare_packet_) {
    stats_.records_ring_full.add(1);
    losses_.add(packet.received);
  } else {
    records_.commit(slot);
  }
}

template <packet_io::Port P>
void Worker<P>::count_oddities(const telemetry::PacketRecord& packet) noexcept {
  if ((packet.flags & telemetry::flag::kHopsCut) != 0) {
    stats_.hops_cut.add(std::uint64_t{packet.hops_claimed} - packet.hop_count);
  }
  if ((packet.flags & telemetry::flag::kMonitorCopy) != 0) stats_.monitor_copies.add(1);
  if ((packet.flags & telemetry::flag::kHostLittleEndian) != 0) stats_.host_little_endian.add(1);
}

template <packet_io::Port P>
bool Worker<P>::at_end() const noexcept {
  return std::all_of(ports_.begin(), ports_.end(), [](const P* port) { return port->at_end(); });
}

template <packet_io::Port P>
void Worker<P>::run(const std::stop_token& stop, std::size_t spin) noexcept {
  std::size_t idle = 0;
  while (!stop.stop_requested() && !at_end()) {
    if (turn()) {
      idle = 0;
    } else if (++idle > spin) {
      P::wait(ports_);
    }
  }
  while (turn()) {
  }
}

}  // namespace valinor::pipeline
