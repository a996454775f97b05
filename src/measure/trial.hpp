/// One measurement: packets of a pattern are sent for a while; what has come back, and when.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>

#include "measure/histogram.hpp"
#include "measure/link.hpp"
#include "traffic/departures.hpp"
#include "traffic/frame_template.hpp"

namespace valinor::measure {

struct TrialConfig {
  traffic::FrameConfig frames;                      // stamped
  std::optional<traffic::PatternConfig> pattern{};  // nothing: as fast as it goes
  std::chrono::nanoseconds duration{};              // of the sending
  std::uint64_t count = 0;                          // packets, where fewer; 0: no bound
};

struct TrialResult {
  std::uint64_t sent = 0;
  std::uint64_t received = 0;    // each packet once
  std::uint64_t reordered = 0;   // came after one of their flow that was sent later
  std::uint64_t duplicated = 0;  // came once more
  double seconds = 0;            // of the sending
  Histogram delay;               // ns, from right before the ring to right after the ring

  [[nodiscard]] std::uint64_t lost() const noexcept { return sent - received; }
  [[nodiscard]] double sent_per_second() const noexcept {
    return seconds > 0 ? static_cast<double>(sent) / seconds : 0;
  }
};

/// Sends and receives by the calling thread, which it keeps busy; ends early where `stopped` says
/// so, which is asked now and then. Packets of other trials do not count.
[[nodiscard]] TrialResult run_trial(const Link& link, const TrialConfig& config,
                                    const std::function<bool()>& stopped);

}  // namespace valinor::measure
