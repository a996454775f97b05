/// Which records `valinor-afxdp export --time` takes.
#pragma once

#include <cstdint>
#include <limits>
#include <string_view>

#include "base/result.hpp"
#include "telemetry/record.hpp"

namespace valinor::app {

/// From `from` on, and before `to`, so that windows side by side have each record once. Nanoseconds
/// on the clock of the records.
struct TimeWindow {
  std::int64_t from = std::numeric_limits<std::int64_t>::min();
  std::int64_t to = std::numeric_limits<std::int64_t>::max();

  [[nodiscard]] bool has(std::int64_t ns) const noexcept { return from <= ns && ns < to; }
  friend bool operator==(const TimeWindow&, const TimeWindow&) = default;
};

/// "A..B", "A.." or "..B". Each is a date, "2024-01-31T23:59:59.123456789Z", or a number with a
/// unit, "1706745599.123s" or "1706745599123456789ns"; a number without one is of seconds below
/// 10^12 or with a fraction, else of nanoseconds. The error's `doing` is the whole message.
[[nodiscard]] Result<TimeWindow> parse_time_window(std::string_view text);

/// When the packet arrived (or, seen by the tap, left); of a record that a Valinor entry was made
/// into, the entry's time.
[[nodiscard]] std::int64_t time_of(const telemetry::PacketRecord& record) noexcept;

}  // namespace valinor::app
