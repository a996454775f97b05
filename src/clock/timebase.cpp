#include "clock/timebase.hpp"

#include <algorithm>
#include <cmath>

namespace valinor::clock {

Nanos Timebase::error_bound(TscTicks ticks) const noexcept {
  const std::int64_t distance = ticks_between(pivot, ticks);
  double bound =
      double{bound_ns} + double{bound_ns_per_tick} * std::abs(static_cast<double>(distance));
  // Before a step was noticed, the clock may have been on either side of it.
  if (distance < 0) bound += std::abs(static_cast<double>(step.count()));
  bound += bound * 1e-6;               // the floats round, perhaps down
  constexpr double kLargest = 9.2e18;  // about what Nanos holds
  return Nanos{static_cast<std::int64_t>(std::ceil(std::min(bound, kLargest)))};
}

void SharedTimebase::store(const Timebase& timebase) noexcept {
  const auto words = std::bit_cast<Words>(timebase);
  // Relaxed: only this thread writes it.
  const std::uint64_t next = version_.load(std::memory_order_relaxed) + 1;
  Slot& slot = slots_[next % slots_.size()];
  for (std::size_t i = 0; i < words.size(); ++i) {
    // Release: a reader that meets this word while copying an older version from the same slot
    // must also see that version_ has moved on (by the previous call).
    slot.words[i].store(words[i], std::memory_order_release);
  }
  // Release: pairs with the first load in load().
  version_.store(next, std::memory_order_release);
}

}  // namespace valinor::clock
