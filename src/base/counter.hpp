/// Counts events on one thread while others read.
#pragma once

#include <atomic>
#include <cstdint>

namespace valinor {

/// add() belongs to one thread; value() to any. Readers may lag, they never see a torn number.
class Counter {
 public:
  void add(std::uint64_t n) noexcept {
    // One writer, so no read-modify-write instruction is needed; relaxed, because a counter
    // publishes nothing but itself.
    value_.store(value_.load(std::memory_order_relaxed) + n, std::memory_order_relaxed);
  }
  [[nodiscard]] std::uint64_t value() const noexcept {
    return value_.load(std::memory_order_relaxed);
  }

 private:
  std::atomic<std::uint64_t> value_{0};
};

}  // namespace valinor
