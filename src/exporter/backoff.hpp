/// How long to wait before the next attempt: doubling, with full jitter, so that many clients of a
/// server that comes back do not all arrive in the same moment.
#pragma once

#include <algorithm>
#include <chrono>
#include <random>

namespace valinor::exporter {

class Backoff {
 public:
  Backoff(std::chrono::milliseconds initial, std::chrono::milliseconds max)
      : initial_{initial}, max_{max}, limit_{initial} {}

  /// Anything from 1 ms to the present limit; the limit doubles, up to the largest.
  [[nodiscard]] std::chrono::milliseconds next() {
    using Rep = std::chrono::milliseconds::rep;
    std::uniform_int_distribution<Rep> pick{1, std::max<Rep>(limit_.count(), 1)};
    limit_ = std::min(2 * limit_, max_);
    return std::chrono::milliseconds{pick(random_)};
  }

  /// An attempt succeeded.
  void reset() noexcept { limit_ = initial_; }

 private:
  std::chrono::milliseconds initial_;
  std::chrono::milliseconds max_;
  std::chrono::milliseconds limit_;
  std::minstd_rand random_{std::random_device{}()};
};

}  // namespace valinor::exporter
