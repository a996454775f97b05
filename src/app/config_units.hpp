/// Numbers, sizes and times as people write them: 8192, 0x1212, 64KiB, 5ms.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <tl/expected.hpp>

#include "wire/headers.hpp"

namespace valinor::app {

/// Why some text is no such number.
struct NotANumber {
  bool too_large = false;  // it is one, but does not fit in 64 bits or is negative
  std::string hint;        // "a time needs a unit: 5us 5ms 5s"; may be empty
};

using ParsedNumber = tl::expected<std::uint64_t, NotANumber>;

/// Decimal or 0x; no sign, no fraction, no leading zero.
[[nodiscard]] ParsedNumber parse_number(std::string_view text);

/// Bytes: "64KiB", "2MiB", "1GiB", "1TiB", or a plain number.
[[nodiscard]] ParsedNumber parse_size(std::string_view text);

/// Nanoseconds: "10us", "5ms", "2s", "1h", also ns and min; "0".
[[nodiscard]] ParsedNumber parse_duration(std::string_view text);

/// "02:00:00:00:00:01"; nothing for anything else.
[[nodiscard]] std::optional<wire::MacAddress> parse_mac(std::string_view text);
[[nodiscard]] std::string format_mac(const wire::MacAddress& mac);

/// In the largest unit that leaves a whole number.
[[nodiscard]] std::string format_size(std::uint64_t bytes);
[[nodiscard]] std::string format_duration(std::uint64_t nanoseconds);

}  // namespace valinor::app
