#include "pipeline/arrival.hpp"

#include <algorithm>

namespace valinor::pipeline {
namespace {

using packet_io::ArrivalStamp;

/// The longest that a packet is believed to have waited for us. A worker that is stopped, or has
/// lost its CPU, finds packets in its ring that are as old as the pause. Shorter: their true times
/// would be thrown away. Longer: a clock that is wrong by that much would go unnoticed.
constexpr Nanos kLongestWait = std::chrono::minutes{1};

}  // namespace

void ArrivalClock::begin_burst(const clock::PhcDiscipline* nic, const clock::Timebase& timebase,
                               clock::TscTicks now) noexcept {
  nic_ = nic;
  if (nic_ != nullptr) nic_timebase_ = nic_->load();
  ring_time_ = timebase.to_host(now);
  bound_ = timebase.error_bound(now) + Nanos{packet_io::kMaxBurst - 1};
  bound_ns_ = saturate<std::uint32_t>(bound_);
  offset_is_known_ = false;
}

Arrival ArrivalClock::by_stamp(const packet_io::Frame& frame, const Arrival& ring) noexcept {
  Arrival arrival = ring;
  Nanos bound = bound_;
  if (frame.stamped_by == ArrivalStamp::driver) {
    if (!offset_is_known_) offset_ = driver_offset_();
    offset_is_known_ = true;
    const MonotonicTime stamp{frame.stamp};
    arrival.time = {stamp.since_epoch + offset_};
    bound = driver_offset_.bound();
  } else if (nic_ != nullptr) {
    const NicTime stamp{frame.stamp};
    arrival.time = nic_timebase_.to_host(stamp);
    bound = nic_timebase_.error_bound(stamp);
  }
  arrival.by = frame.stamped_by;
  arrival.bound_ns = saturate<std::uint32_t>(bound);
  arrival.ring_delay = ring.time - arrival.time;
  const bool has_clock = frame.stamped_by == ArrivalStamp::driver || nic_ != nullptr;
  const Nanos slack = std::min(bound, kLongestWait) + std::min(bound_, kLongestWait);
  if (!has_clock || arrival.ring_delay < -slack || arrival.ring_delay > kLongestWait + slack) {
    stats_.implausible.add(1);
    return ring;
  }
  (frame.stamped_by == ArrivalStamp::driver ? stats_.driver : stats_.hardware).add(1);
  return arrival;
}

}  // namespace valinor::pipeline
