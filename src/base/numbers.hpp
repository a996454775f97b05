/// Numbers as people read them.
#pragma once

#include <cstdint>
#include <string>

namespace valinor {

constexpr std::uint64_t kKiB = 1024;
constexpr std::uint64_t kMiB = 1024 * kKiB;
constexpr std::uint64_t kGiB = 1024 * kMiB;

/// 1234567 -> "1,234,567"
[[nodiscard]] std::string with_commas(std::uint64_t number);

/// "256 MiB": whole KiB below 1 MiB, whole MiB below 10 GiB, else whole GiB.
[[nodiscard]] std::string to_size(std::uint64_t bytes);

}  // namespace valinor
