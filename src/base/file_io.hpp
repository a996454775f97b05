/// Reads and writes all of a range of a file, at a place of it, whatever interrupts.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace valinor {

/// 0 or the errno; ENODATA where the file ends before.
[[nodiscard]] int read_at(int fd, std::span<std::byte> to, std::uint64_t at) noexcept;

/// 0 or the errno. After an error some of it may be written.
[[nodiscard]] int write_at(int fd, std::span<const std::byte> from, std::uint64_t at) noexcept;

}  // namespace valinor
