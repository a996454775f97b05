/// Counts the allocations of the test program, by replacing operator new.
#pragma once

#include <cstddef>

namespace valinor::test {

/// Of all threads, since the start.
[[nodiscard]] std::size_t allocations() noexcept;

}  // namespace valinor::test
