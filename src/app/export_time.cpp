#include "app/export_time.hpp"

#include <charconv>
#include <chrono>
#include <optional>
#include <string>

namespace valinor::app {
namespace {

constexpr std::int64_t kNsPerSecond = 1'000'000'000;

/// Numbers from here on are nanoseconds where they have no unit: 17 minutes after 1970 if they are,
/// and 31,000 years if they were seconds.
constexpr std::int64_t kLeastPlainNs = 1'000'000'000'000;

constexpr std::size_t kMostFractionDigits = 9;

/// The whole of `text`, which is digits only.
std::optional<std::int64_t> parse_digits(std::string_view text) {
  std::int64_t number = 0;
  const char* const end = text.data() + text.size();
  if (text.empty() || text.front() == '-') return std::nullopt;
  const auto [stop, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc{} || stop != end) return std::nullopt;
  return number;
}

/// Of "5" in "0.5" 500,000,000.
std::optional<std::int64_t> parse_fraction_ns(std::string_view digits) {
  if (digits.size() > kMostFractionDigits) return std::nullopt;
  auto number = parse_digits(digits);
  for (std::size_t i = digits.size(); number && i < kMostFractionDigits; ++i) *number *= 10;
  return number;
}

std::optional<std::int64_t> join_ns(std::int64_t seconds, std::int64_t ns) {
  std::int64_t all = 0;
  if (__builtin_mul_overflow(seconds, kNsPerSecond, &all)) return std::nullopt;
  if (__builtin_add_overflow(all, ns, &all)) return std::nullopt;
  return all;
}

/// "1706745599.123"
std::optional<std::int64_t> parse_seconds(std::string_view text) {
  const std::size_t dot = text.find('.');
  const auto seconds = parse_digits(text.substr(0, dot));
  if (!seconds) return std::nullopt;
  if (dot == std::string_view::npos) return join_ns(*seconds, 0);
  const auto ns = parse_fraction_ns(text.substr(dot + 1));
  return ns ? join_ns(*seconds, *ns) : std::nullopt;
}

std::optional<std::int64_t> parse_count_of_time(std::string_view text) {
  if (text.ends_with("ns")) return parse_digits(text.substr(0, text.size() - 2));
  if (text.ends_with('s')) return parse_seconds(text.substr(0, text.size() - 1));
  const auto whole = parse_digits(text);
  return whole && *whole >= kLeastPlainNs ? whole : parse_seconds(text);
}

/// The digits of "2024-01-31T23:59:59" that stand at `at`.
std::optional<std::int64_t> digits_at(std::string_view text, std::size_t at, std::size_t count) {
  return parse_digits(text.substr(at, count));
}

/// "2024-01-31T23:59:59", and a fraction and "Z" as one likes.
std::optional<std::int64_t> parse_date(std::string_view text) {
  constexpr std::string_view kForm = "0000-00-00T00:00:00";
  if (text.ends_with('Z')) text.remove_suffix(1);
  if (text.size() < kForm.size()) return std::nullopt;
  for (std::size_t i = 0; i < kForm.size(); ++i) {
    if (kForm[i] != '0' && kForm[i] != text[i]) return std::nullopt;
  }
  const auto year = digits_at(text, 0, 4), month = digits_at(text, 5, 2);
  const auto day = digits_at(text, 8, 2), hour = digits_at(text, 11, 2);
  const auto minute = digits_at(text, 14, 2), second = digits_at(text, 17, 2);
  if (!year || !month || !day || !hour || !minute || !second) return std::nullopt;
  if (*hour > 23 || *minute > 59 || *second > 59) return std::nullopt;
  const std::chrono::year_month_day date{std::chrono::year{static_cast<int>(*year)},
                                         std::chrono::month{static_cast<unsigned>(*month)},
                                         std::chrono::day{static_cast<unsigned>(*day)}};
  if (!date.ok()) return std::nullopt;
  std::int64_t ns = 0;
  const std::string_view rest = text.substr(kForm.size());
  if (!rest.empty()) {
    const auto fraction = rest.front() == '.' ? parse_fraction_ns(rest.substr(1)) : std::nullopt;
    if (!fraction) return std::nullopt;
    ns = *fraction;
  }
  const std::chrono::sys_seconds midnight = std::chrono::sys_days{date};
  return join_ns(midnight.time_since_epoch().count() + (*hour * 60 + *minute) * 60 + *second, ns);
}

Result<std::int64_t> parse_time(std::string_view text) {
  const auto ns =
      text.find('T') == std::string_view::npos ? parse_count_of_time(text) : parse_date(text);
  if (ns) return *ns;
  return fail(std::errc::invalid_argument,
              "--time: '" + std::string{text} +
                  "' is no time such as 2024-01-31T23:59:59.5Z, 1706745599.5s or "
                  "1706745599500000000ns");
}

}  // namespace

Result<TimeWindow> parse_time_window(std::string_view text) {
  const std::size_t dots = text.find("..");
  if (dots == std::string_view::npos || text == "..") {
    return fail(std::errc::invalid_argument, "--time wants A..B, A.. or ..B");
  }
  TimeWindow window;
  if (const std::string_view from = text.substr(0, dots); !from.empty()) {
    const Result<std::int64_t> ns = parse_time(from);
    if (!ns) return tl::unexpected{ns.error()};
    window.from = *ns;
  }
  if (const std::string_view to = text.substr(dots + 2); !to.empty()) {
    const Result<std::int64_t> ns = parse_time(to);
    if (!ns) return tl::unexpected{ns.error()};
    window.to = *ns;
  }
  if (window.from < window.to) return window;
  return fail(std::errc::invalid_argument,
              "--time " + std::string{text} + " is empty: it ends before it begins");
}

std::int64_t time_of(const telemetry::PacketRecord& record) noexcept {
  return record.format == telemetry::Format::valinor_entry ? record.switch_time.since_epoch.count()
                                                           : record.received.since_epoch.count();
}

}  // namespace valinor::app
