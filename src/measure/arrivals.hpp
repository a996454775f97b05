/// Which of the packets that were sent have come back, and in which order.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

namespace valinor::measure {

/// Packet n is of flow n mod `flows`. One thread.
class Arrivals {
 public:
  explicit Arrivals(std::uint32_t flows) : next_(flows) {}

  /// A packet of that number has come. False: it had come before. Numbers from `sent` on were not
  /// given away; whoever asks for them allocates.
  bool add(std::uint64_t number) {
    if (number / kWordBits >= seen_.size()) seen_.resize(number / kWordBits + 1);
    std::uint64_t& word = seen_[number / kWordBits];
    const std::uint64_t bit = std::uint64_t{1} << number % kWordBits;
    if ((word & bit) != 0) {
      ++duplicated_;
      return false;
    }
    word |= bit;
    ++received_;
    std::uint64_t& next = next_[number % next_.size()];
    if (number < next) ++reordered_;
    next = std::max(next, number + 1);
    return true;
  }

  /// Each packet once.
  [[nodiscard]] std::uint64_t received() const noexcept { return received_; }
  /// Came after one of their flow that was sent later (RFC 4737, section 3).
  [[nodiscard]] std::uint64_t reordered() const noexcept { return reordered_; }
  /// Came once more.
  [[nodiscard]] std::uint64_t duplicated() const noexcept { return duplicated_; }

 private:
  static constexpr std::uint64_t kWordBits = 64;

  std::vector<std::uint64_t> seen_;  // a bit for each packet
  std::vector<std::uint64_t> next_;  // of each flow: above the highest number so far
  std::uint64_t received_ = 0;
  std::uint64_t reordered_ = 0;
  std::uint64_t duplicated_ = 0;
};

}  // namespace valinor::measure
