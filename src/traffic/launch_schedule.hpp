/// When each packet of a constant rate leaves, in the NIC's own clock: for NICs that keep a packet
/// until its launch time.
#pragma once

#include <cstdint>

#include "base/time.hpp"

namespace valinor::traffic {

/// One thread.
class LaunchSchedule {
 public:
  /// Packets are handed over when they are due, and leave `lead` later: as long as they may take on
  /// their way to the NIC.
  LaunchSchedule(std::uint64_t packets_per_second, Nanos lead) noexcept
      : rate_{packets_per_second}, lead_{lead} {}

  /// The NIC's clock showed `nic` when the traffic was `elapsed` old. To be told again and again,
  /// as the two clocks drift: 50 ppm are 50 us a second.
  void anchor(NicTime nic, Nanos elapsed) noexcept { start_ = nic + -elapsed; }

  /// Of the packet of that number, from 0; ns of the NIC's clock. After the first anchor().
  [[nodiscard]] std::uint64_t launch_ns(std::uint64_t number) const noexcept {
    constexpr std::uint64_t kNanosPerSecond = 1'000'000'000;
    // In two parts: the product would not fit 64 bits after some hours.
    const std::uint64_t due =
        number / rate_ * kNanosPerSecond + number % rate_ * kNanosPerSecond / rate_;
    return static_cast<std::uint64_t>((start_ + lead_).since_epoch.count()) + due;
  }

 private:
  std::uint64_t rate_;
  Nanos lead_;
  NicTime start_;  // of the traffic
};

}  // namespace valinor::traffic
