/// Readings of a NIC's clock (PHC) between two of the kernel's, as the kernel's PTP calls give
/// them.
///
///   CLOCK_REALTIME  ----before---------------------after---->
///   NIC             ------------------nic------------------->
///
/// All that is known is that the NIC showed `nic` at some time from `before` to `after`. Pure
/// functions; any thread.
#pragma once

#include <linux/ptp_clock.h>

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/time.hpp"
#include "clock/bracket.hpp"

namespace valinor::clock {

using RealTime = Instant<struct RealtimeClock>;  // CLOCK_REALTIME

/// How the two were read, best first.
enum class PhcMethod : std::uint8_t {
  precise,   // by the hardware, at the same time (PCIe PTM, or a virtual machine's host)
  extended,  // the driver reads the kernel's clock right before and after the NIC's register
  plain,     // the kernel reads one clock after the other
};

/// "cross timestamps", "extended readings", "plain readings".
[[nodiscard]] std::string_view to_name(PhcMethod method) noexcept;

struct PhcSample {
  NicTime nic;
  RealTime before;
  RealTime after;

  [[nodiscard]] Nanos width() const noexcept { return after - before; }
};

/// The narrowest of an answer's readings. Nothing where none makes sense: no reading at all, or
/// CLOCK_REALTIME was set back in each.
[[nodiscard]] std::optional<PhcSample> to_sample(const ptp_sys_offset_precise& answer) noexcept;
[[nodiscard]] std::optional<PhcSample> to_sample(const ptp_sys_offset_extended& answer) noexcept;
[[nodiscard]] std::optional<PhcSample> to_sample(const ptp_sys_offset& answer) noexcept;

/// The NIC's nanoseconds as the ticks that Discipline counts by.
[[nodiscard]] constexpr TscTicks to_ticks(NicTime time) noexcept {
  return TscTicks{static_cast<std::uint64_t>(time.since_epoch.count())};
}

/// The sample seen from the NIC: the configured clock showed the middle of the range at some moment
/// within half its width of `nic`. `to_host` is what to add to CLOCK_REALTIME, known to `bound`.
[[nodiscard]] Bracket to_bracket(const PhcSample& sample, Nanos to_host, Nanos bound) noexcept;

}  // namespace valinor::clock
