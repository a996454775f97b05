#include "app/monotonic_offset.hpp"

#include <time.h>

namespace valinor::app {
namespace {

/// Looks at set-up, the narrowest of which is kept: one alone may have been preempted.
constexpr int kFirstLooks = 32;

Nanos read(clockid_t id) {
  timespec now{};
  ::clock_gettime(id, &now);  // cannot fail: all that are asked for exist since Linux 3.10
  return std::chrono::seconds{now.tv_sec} + Nanos{now.tv_nsec};
}

}  // namespace

MonotonicOffset::MonotonicOffset(clock::ClockName to) : to_{to}, kept_{look()} {
  for (int i = 1; i < kFirstLooks; ++i) {
    const Look next = look();
    if (next.half_width < kept_.half_width) kept_ = next;
  }
}

Nanos MonotonicOffset::operator()() {
  if (to_ == clock::ClockName::monotonic) return Nanos{0};
  const Look now = look();
  const Nanos change = std::chrono::abs(now.offset - kept_.offset);
  // Both can be true as long as their ranges touch.
  if (change > now.half_width + kept_.half_width || now.half_width < kept_.half_width) kept_ = now;
  return kept_.offset;
}

MonotonicOffset::Look MonotonicOffset::look() const {
  if (to_ == clock::ClockName::monotonic) return {};
  const Nanos before = read(CLOCK_MONOTONIC);
  const Nanos there = read(to_ == clock::ClockName::tai ? CLOCK_TAI : CLOCK_REALTIME);
  const Nanos after = read(CLOCK_MONOTONIC);
  const Nanos half_width = (after - before) / 2;
  // One more for what the halves and the clocks' own nanoseconds round away.
  return {there - before - half_width, half_width + Nanos{1}};
}

}  // namespace valinor::app
