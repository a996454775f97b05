/// From CLOCK_MONOTONIC, which the tap's BPF program reads, to the configured clock.
///
/// The kernel derives both from one counter, slewed alike, so the offset changes only when somebody
/// sets the clock. Each look at it is uncertain by the time between two reads, some 20 ns: the
/// first narrow one is kept until another contradicts it, and times do not jitter.
#pragma once

#include "base/time.hpp"
#include "clock/config.hpp"

namespace valinor::app {

/// One thread at a time.
class MonotonicOffset {
 public:
  explicit MonotonicOffset(clock::ClockName to);

  /// What to add to CLOCK_MONOTONIC now. 0 for `monotonic`. Three reads of clocks, 0.1 us.
  Nanos operator()();

 private:
  /// The configured clock less the monotonic one is within `half_width` of `offset`.
  struct Look {
    Nanos offset;
    Nanos half_width;
  };
  [[nodiscard]] Look look() const;

  clock::ClockName to_;
  Look kept_;
};

}  // namespace valinor::app
