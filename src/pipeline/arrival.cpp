#include "pipeline/arrival.hpp"

#include <algorithm>
#include <limits>

namespace valinor::pipeline {
namespace {

using packet_io::ArrivalStamp;

/// The longest that a packet is believed to have waited for us. A worker that is stopped, or has
/// lost its CPU, finds packets in its ring that are as old as the pause. Shorter: their true times
/// would be thrown away. Longer: a clock that is wrong by that much would go unnoticed.
constexpr Nanos kLongestWait = std::chrono::minutes{1};

template <class Integer>
Integer saturate(Nanos time) noexcept {
  using Limits = std::numeric_limits<Integer>;
  return static_cast<Integer>(std::clamp<std::int64_t>(time.count(), Limits::min(), Limits::max()));
}

std::uint32_t to_flag(ArrivalStamp by) noexcept {
  switch (by) {
    case ArrivalStamp::hardware: return telemetry::flag::kHardwareTime;
    case ArrivalStamp::driver: return telemetry::flag::kDriverTime;
    case ArrivalStamp::none: break;
  }
  return 0;
}

}  // namespace

void Arrival::write_to(telemetry::PacketRecord& record) const noexcept {
  record.received = time;
  record.ring_delay_ns = saturate<std::int32_t>(ring_delay);
  record.received_bound_ns = saturate<std::uint32_t>(bound);
  record.flags |= to_flag(by);
}

void ArrivalClock::begin_burst(const clock::PhcDiscipline* nic,
                               const clock::Timebase& timebase) noexcept {
  nic_ = nic;
  if (nic_ != nullptr) nic_timebase_ = nic_->load();
  timebase_ = timebase;
  bound_is_known_ = offset_is_known_ = false;
}

Arrival ArrivalClock::by_stamp(const packet_io::Frame& frame, HostTime ring) noexcept {
  Arrival arrival{.time = ring, .bound = bound_};
  if (frame.stamped_by == ArrivalStamp::driver) {
    if (!offset_is_known_) offset_ = driver_offset_();
    offset_is_known_ = true;
    const MonotonicTime stamp{frame.stamp};
    arrival.time = {stamp.since_epoch + offset_};
    arrival.bound = driver_offset_.bound();
  } else if (nic_ != nullptr) {
    const NicTime stamp{frame.stamp};
    arrival.time = nic_timebase_.to_host(stamp);
    arrival.bound = nic_timebase_.error_bound(stamp);
  }
  arrival.by = frame.stamped_by;
  arrival.ring_delay = ring - arrival.time;
  const bool has_clock = frame.stamped_by == ArrivalStamp::driver || nic_ != nullptr;
  const Nanos slack = std::min(arrival.bound, kLongestWait) + std::min(bound_, kLongestWait);
  if (!has_clock || arrival.ring_delay < -slack || arrival.ring_delay > kLongestWait + slack) {
    stats_.implausible.add(1);
    return {.time = ring, .bound = bound_};
  }
  (frame.stamped_by == ArrivalStamp::driver ? stats_.driver : stats_.hardware).add(1);
  return arrival;
}

}  // namespace valinor::pipeline
