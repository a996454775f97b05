/// Holds a rate: says which packets are due.
#pragma once

#include <algorithm>
#include <cstddef>
#include <optional>
#include <span>
#include <vector>

#include "base/time.hpp"
#include "traffic/departures.hpp"

namespace valinor::traffic {

/// Counts from its start, so that rounding never adds up; what a stall held back is made up for.
/// One thread.
class Pacer {
 public:
  /// Without departures: as many packets as the caller can send.
  explicit Pacer(const std::optional<Departures>& departures) : departures_{departures} {
    if (departures_) upcoming_ = departures_->next();
  }

  /// When the packets were to leave that are due and not sent yet, oldest first, at most `limit`.
  /// Valid until the next call. `now`: since the start.
  [[nodiscard]] std::span<const Nanos> due(Nanos now, std::size_t limit) {
    if (!departures_) {
      due_.assign(limit, now);
      return due_;
    }
    for (; due_.size() < limit && upcoming_ <= now; upcoming_ = departures_->next()) {
      due_.push_back(upcoming_);
    }
    return {due_.data(), std::min(limit, due_.size())};
  }

  /// The first of those that were due.
  void sent(std::size_t packets) {
    due_.erase(due_.begin(), due_.begin() + static_cast<std::ptrdiff_t>(packets));
  }

 private:
  std::optional<Departures> departures_;
  Nanos upcoming_{0};
  std::vector<Nanos> due_;  // and not sent
};

}  // namespace valinor::traffic
