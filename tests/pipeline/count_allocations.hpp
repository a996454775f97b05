/// Counts the allocations of the test program, by replacing operator new and, but under a
/// sanitizer, malloc and its like.
#pragma once

#include <cstddef>

namespace valinor::test {

/// Of all threads, since the start.
[[nodiscard]] std::size_t allocations() noexcept;

/// Whether malloc is counted too.
[[nodiscard]] bool counts_malloc() noexcept;

}  // namespace valinor::test
