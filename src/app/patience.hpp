/// Tells a store that is slow from one that does not come back: it is given up when for some time
/// it has answered for no record, though some waited.
#pragma once

#include <chrono>
#include <cstdint>

namespace valinor::app {

/// How long the store has for what is left, when the run ends in good order.
inline constexpr std::chrono::seconds kFlushPatience{10};

/// One thread.
class Patience {
 public:
  using Clock = std::chrono::steady_clock;

  Patience(Clock::duration limit, Clock::time_point now) : limit_{limit}, since_{now} {}

  /// To be asked again and again. `answered`: records that the store has answered for; `waiting`:
  /// whether others wait for that.
  [[nodiscard]] bool is_over(std::uint64_t answered, bool waiting, Clock::time_point now) noexcept {
    if (!waiting || answered != answered_) since_ = now;
    answered_ = answered;
    return now - since_ >= limit_;
  }

 private:
  Clock::duration limit_;
  Clock::time_point since_;  // when it answered last, or nothing waited
  std::uint64_t answered_ = 0;
};

}  // namespace valinor::app
