#include "app/live_report.hpp"

#include <fmt/format.h>

#include <cmath>
#include <cstdio>

#include "app/json_events.hpp"
#include "base/numbers.hpp"

namespace valinor::app {
namespace {

/// A screenful: the column names come again so often.
constexpr unsigned kLinesPerHeading = 20;

}  // namespace

LiveReport::LiveReport(std::chrono::nanoseconds interval, Output output)
    : interval_{interval},
      output_{output},
      start_{Clock::now()},
      last_{start_},
      due_{interval.count() == 0 ? Clock::time_point::max() : start_ + interval} {}

void LiveReport::update(const LiveTotals& now) {
  const auto at = Clock::now();
  if (at < due_) return;
  if (output_ == Output::json) {
    tell_stats(now, at - start_);
  } else {
    print_text(now, at);
  }
  previous_ = now;
  last_ = at;
  while (due_ <= at) due_ += interval_;
}

void LiveReport::print_text(const LiveTotals& now, Clock::time_point at) {
  const double seconds = std::chrono::duration<double>(at - last_).count();
  const auto rate = [&](std::uint64_t LiveTotals::*field) {
    const auto difference = static_cast<double>(now.*field - previous_.*field);
    return with_commas(static_cast<std::uint64_t>(std::llround(difference / seconds)));
  };
  if (lines_++ % kLinesPerHeading == 0) {
    fmt::print("{:>6} {:>12} {:>12} {:>12} {:>6} {:>12} {:>12} {:>10} {:>10}\n", "time", "rx pps",
               "tx pps", "records/s", "hops", "stored/s", "backlog", "dropped", "lost");
  }
  const auto elapsed = std::chrono::duration_cast<std::chrono::seconds>(at - start_).count();
  const std::uint64_t records = now.records - previous_.records;
  fmt::print("{:>3}:{:02} {:>12} {:>12} {:>12} {:>6.1f} {:>12} {:>12} {:>10} {:>10}\n",
             elapsed / 60, elapsed % 60, rate(&LiveTotals::received),
             rate(&LiveTotals::transmitted), rate(&LiveTotals::records),
             records == 0
                 ? 0.0
                 : static_cast<double>(now.hops - previous_.hops) / static_cast<double>(records),
             rate(&LiveTotals::stored), with_commas(now.backlog), with_commas(now.dropped),
             with_commas(now.lost));
  std::fflush(stdout);
}

}  // namespace valinor::app
