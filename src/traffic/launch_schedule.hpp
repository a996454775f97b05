/// When each packet leaves, in the NIC's own clock: for NICs that keep a packet until its launch
/// time.
#pragma once

#include <cstdint>

#include "base/time.hpp"

namespace valinor::traffic {

/// One thread.
class LaunchSchedule {
 public:
  /// Packets are handed over when they are due, and leave `lead` later: as long as they may take on
  /// their way to the NIC.
  explicit LaunchSchedule(Nanos lead) noexcept : lead_{lead} {}

  /// The NIC's clock showed `nic` when the traffic was `elapsed` old. To be told again and again,
  /// as the two clocks drift: 50 ppm are 50 us a second.
  void anchor(NicTime nic, Nanos elapsed) noexcept { start_ = nic + -elapsed; }

  /// Of a packet that is due at that time of the traffic; ns of the NIC's clock. After the first
  /// anchor().
  [[nodiscard]] std::uint64_t launch_ns(Nanos due) const noexcept {
    return static_cast<std::uint64_t>((start_ + lead_ + due).since_epoch.count());
  }

 private:
  Nanos lead_;
  NicTime start_;  // of the traffic
};

}  // namespace valinor::traffic
