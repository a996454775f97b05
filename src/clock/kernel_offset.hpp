/// From one of the kernel's clocks to another.
///
/// The kernel derives all of them from one counter, slewed alike, so the offset changes only when
/// somebody sets a clock. Each look at it is uncertain by the time between two reads, some 20 ns:
/// the first narrow one is kept until another contradicts it, and times do not jitter. TAI and
/// realtime are whole seconds apart, which makes theirs exact.
#pragma once

#include "base/time.hpp"
#include "clock/config.hpp"

namespace valinor::clock {

/// One thread at a time.
class KernelOffset {
 public:
  KernelOffset(ClockName from, ClockName to);

  /// What to add to `from` now. 0 where both are the same. Three reads of clocks, 0.1 us.
  Nanos operator()();

  /// How far the last answer may have been off.
  [[nodiscard]] Nanos bound() const noexcept { return kept_.half_width; }

 private:
  /// `to` less `from` is within `half_width` of `offset`.
  struct Look {
    Nanos offset{};
    Nanos half_width{};
  };
  [[nodiscard]] Look look() const;

  ClockName from_;
  ClockName to_;
  Look kept_;
};

}  // namespace valinor::clock
