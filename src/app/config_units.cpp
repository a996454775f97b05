#include "app/config_units.hpp"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <limits>
#include <span>

namespace valinor::app {
namespace {

struct Unit {
  std::string_view name;
  std::uint64_t worth;
  bool printed = true;
};

constexpr std::array kSizes{
    Unit{"TiB", std::uint64_t{1} << 40}, Unit{"GiB", std::uint64_t{1} << 30},
    Unit{"MiB", std::uint64_t{1} << 20}, Unit{"KiB", std::uint64_t{1} << 10}, Unit{"B", 1, false}};
constexpr std::array kTimes{Unit{"h", 3'600'000'000'000},
                            Unit{"min", 60'000'000'000, false},
                            Unit{"s", 1'000'000'000},
                            Unit{"ms", 1'000'000},
                            Unit{"us", 1'000},
                            Unit{"ns", 1}};

bool is_digit(char c) { return c >= '0' && c <= '9'; }

tl::unexpected<NotANumber> not_a_number(std::string_view hint = {}) {
  return tl::unexpected<NotANumber>{{false, std::string{hint}}};
}

tl::unexpected<NotANumber> too_large() { return tl::unexpected<NotANumber>{{true, {}}}; }

/// A number and one of `units` behind it; without one, `plain` is its worth (0: refused).
ParsedNumber parse_with_unit(std::string_view text, std::span<const Unit> units,
                             std::uint64_t plain, std::string_view hint) {
  std::size_t digits = 0;
  while (digits < text.size() && is_digit(text[digits])) ++digits;
  const std::string_view suffix = text.substr(digits);
  if (text.starts_with('-')) return parse_number(text);
  if (digits == 0) return not_a_number();
  if (suffix.starts_with('.')) return not_a_number("write a whole number of a smaller unit");
  ParsedNumber number = parse_number(text.substr(0, digits));
  if (!number) return number;
  std::uint64_t worth = suffix.empty() ? plain : 0;
  for (const Unit& unit : units) {
    if (unit.name == suffix) worth = unit.worth;
  }
  if (worth == 0) return *number == 0 && suffix.empty() ? number : not_a_number(hint);
  if (*number > std::numeric_limits<std::uint64_t>::max() / worth) return too_large();
  return *number * worth;
}

std::string format(std::uint64_t value, std::span<const Unit> units, std::string_view zero) {
  if (value == 0) return std::string{zero};
  for (const Unit& unit : units) {
    if (unit.printed && value % unit.worth == 0) {
      return std::to_string(value / unit.worth).append(unit.name);
    }
  }
  return std::to_string(value);
}

}  // namespace

ParsedNumber parse_number(std::string_view text) {
  const bool negative = text.starts_with('-');
  std::string_view digits = text.substr(negative ? 1 : 0);
  const bool hex = digits.starts_with("0x") || digits.starts_with("0X");
  if (hex) digits.remove_prefix(2);
  std::uint64_t number = 0;
  const char* end = digits.data() + digits.size();
  const auto [stop, error] = std::from_chars(digits.data(), end, number, hex ? 16 : 10);
  if (digits.empty() || stop != end) return not_a_number();
  if (!hex && digits.size() > 1 && digits.front() == '0') {
    return not_a_number("leave out the leading zero");
  }
  if (error == std::errc::result_out_of_range || negative) return too_large();
  if (error != std::errc{}) return not_a_number();
  return number;
}

ParsedNumber parse_size(std::string_view text) {
  if (text.starts_with("0x")) return parse_number(text);
  return parse_with_unit(text, kSizes, 1, "the units of a size are KiB, MiB, GiB and TiB");
}

ParsedNumber parse_duration(std::string_view text) {
  return parse_with_unit(text, kTimes, 0, "a time needs a unit: 10us 5ms 2s 1h");
}

std::string format_size(std::uint64_t bytes) { return format(bytes, kSizes, "0"); }

std::string format_duration(std::uint64_t nanoseconds) { return format(nanoseconds, kTimes, "0s"); }

std::optional<wire::MacAddress> parse_mac(std::string_view text) {
  wire::MacAddress mac{};
  bool good = text.size() == 17;
  for (std::size_t i = 0; good && i < mac.size(); ++i) {
    unsigned byte = 0;
    const char* start = text.data() + 3 * i;
    const auto [stop, error] = std::from_chars(start, start + 2, byte, 16);
    good = error == std::errc{} && stop == start + 2 && (i == 5 || text[3 * i + 2] == ':');
    mac[i] = static_cast<std::byte>(byte);
  }
  return good ? std::optional{mac} : std::nullopt;
}

std::string format_mac(const wire::MacAddress& mac) {
  std::string text;
  for (const std::byte byte : mac) {
    text += fmt::format("{}{:02x}", text.empty() ? "" : ":", std::to_integer<unsigned>(byte));
  }
  return text;
}

}  // namespace valinor::app
