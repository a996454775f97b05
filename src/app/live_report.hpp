/// The line per interval that a running program prints.
#pragma once

#include <chrono>
#include <cstdint>

#include "app/config.hpp"

namespace valinor::app {

/// Running totals at one moment.
struct LiveTotals {
  std::uint64_t received = 0;
  std::uint64_t transmitted = 0;
  std::uint64_t records = 0;
  std::uint64_t hops = 0;
  std::uint64_t stored = 0;   // records that the store has acknowledged
  std::uint64_t backlog = 0;  // records in memory, not yet acknowledged
  std::uint64_t dropped = 0;
  std::uint64_t lost = 0;
};

/// Main thread. In JSON: totals, which leave the rates to the reader.
class LiveReport {
 public:
  using Clock = std::chrono::steady_clock;

  /// Interval 0: never prints.
  LiveReport(std::chrono::nanoseconds interval, Output output);

  /// When update() wants to be called next.
  [[nodiscard]] Clock::time_point due() const noexcept { return due_; }

  /// Prints a line of rates since the last one, if it is due.
  void update(const LiveTotals& now);

 private:
  void print_text(const LiveTotals& now, Clock::time_point at);

  std::chrono::nanoseconds interval_;
  Output output_;
  Clock::time_point start_;
  Clock::time_point last_;
  Clock::time_point due_;
  LiveTotals previous_;
  unsigned lines_ = 0;
};

}  // namespace valinor::app
