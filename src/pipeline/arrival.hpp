/// When a packet arrived, by the best clock that saw it.
///
///   NIC's stamp     -> clock::NicTimebase  ->+
///   driver's stamp  -> clock::KernelOffset ->+-> published time, if it can be true
///   ring read (TSC) -> clock::Timebase     ->+   else this one, which is always there
///
/// A stamp that says the packet came after we read it, or that it waited longer than a minute,
/// beyond what the clocks' bounds allow, is not believed: the packet's time is the ring's, and it
/// is counted. One worker's thread.
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>

#include "base/counter.hpp"
#include "base/time.hpp"
#include "clock/config.hpp"
#include "clock/kernel_offset.hpp"
#include "clock/phc_discipline.hpp"
#include "clock/timebase.hpp"
#include "clock/tsc.hpp"
#include "packet_io/frame.hpp"
#include "telemetry/record.hpp"

namespace valinor::pipeline {

/// The time in a narrower field: the nearest that it holds.
template <class Integer>
[[nodiscard]] constexpr Integer saturate(Nanos time) noexcept {
  using Limits = std::numeric_limits<Integer>;
  return static_cast<Integer>(std::clamp<std::int64_t>(time.count(), Limits::min(), Limits::max()));
}

[[nodiscard]] constexpr std::uint32_t to_flag(packet_io::ArrivalStamp by) noexcept {
  switch (by) {
    case packet_io::ArrivalStamp::hardware: return telemetry::flag::kHardwareTime;
    case packet_io::ArrivalStamp::driver: return telemetry::flag::kDriverTime;
    case packet_io::ArrivalStamp::none: break;
  }
  return 0;
}

struct Arrival {
  HostTime time;
  Nanos ring_delay{};          // until we read the ring
  std::uint32_t bound_ns = 0;  // `time` is at most this far from the configured clock; saturates
  packet_io::ArrivalStamp by = packet_io::ArrivalStamp::none;  // whose time it is; none: ours

  void write_to(telemetry::PacketRecord& record) const noexcept {
    record.received = time;
    record.received_bound_ns = bound_ns;
    if (by == packet_io::ArrivalStamp::none) return;
    record.ring_delay_ns = saturate<std::int32_t>(ring_delay);
    record.flags |= to_flag(by);
  }
};

/// Written by the worker's thread.
struct ArrivalStats {
  Counter hardware;     // packets whose time is the NIC's
  Counter driver;       // ... the XDP program's
  Counter implausible;  // stamps that were not believed
};

class ArrivalClock {
 public:
  explicit ArrivalClock(clock::ClockName name)
      : driver_offset_{clock::ClockName::monotonic, name} {}

  /// Of a burst that was read from its ring at `now`; `nic` may be null: then hardware stamps, of
  /// which there should be none, are not believed.
  void begin_burst(const clock::PhcDiscipline* nic, const clock::Timebase& timebase,
                   clock::TscTicks now) noexcept;

  /// Of frame number `index` of it. Where it has no stamp, a nanosecond after the one before it,
  /// which `bound_ns` covers: two packets with the same time, and else alike, would be one record
  /// in a sorted set. Treating a frame takes longer, so that the next burst is later than all of
  /// them.
  [[nodiscard]] Arrival at(const packet_io::Frame& frame, std::size_t index) noexcept {
    const Arrival ring{.time = ring_time_ + Nanos{static_cast<std::int64_t>(index)},
                       .bound_ns = bound_ns_};
    return frame.stamped_by == packet_io::ArrivalStamp::none ? ring : by_stamp(frame, ring);
  }

  /// The same, into its record.
  void stamp(const packet_io::Frame& frame, std::size_t index,
             telemetry::PacketRecord& record) noexcept {
    if (frame.stamped_by != packet_io::ArrivalStamp::none) [[unlikely]]
      return at(frame, index).write_to(record);
    record.received = ring_time_ + Nanos{static_cast<std::int64_t>(index)};
    record.received_bound_ns = bound_ns_;
  }

  [[nodiscard]] const ArrivalStats& stats() const noexcept { return stats_; }

 private:
  [[nodiscard]] Arrival by_stamp(const packet_io::Frame& frame, const Arrival& ring) noexcept;

  clock::KernelOffset driver_offset_;
  const clock::PhcDiscipline* nic_ = nullptr;
  clock::NicTimebase nic_timebase_;
  // Of this burst.
  HostTime ring_time_;  // when it was read
  Nanos bound_{};       // of that, and of the nanoseconds added to it
  std::uint32_t bound_ns_ = 0;
  Nanos offset_{};  // of driver_offset_, from the first frame on that needs it
  bool offset_is_known_ = false;
  ArrivalStats stats_;
};

}  // namespace valinor::pipeline
