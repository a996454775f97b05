/// Counts values in buckets that grow with the value, so that each is known within 1 %, however
/// large it is.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <limits>

namespace valinor::measure {

/// Log-linear: each power of two has 128 buckets. 58 KiB. One thread.
class Histogram {
 public:
  void add(std::uint64_t value) noexcept {
    ++counts_[index_of(value)];
    ++count_;
    sum_ += static_cast<double>(value);
    least_ = std::min(least_, value);
    most_ = std::max(most_, value);
  }

  [[nodiscard]] std::uint64_t count() const noexcept { return count_; }
  [[nodiscard]] std::uint64_t least() const noexcept { return count_ == 0 ? 0 : least_; }
  [[nodiscard]] std::uint64_t most() const noexcept { return most_; }
  [[nodiscard]] double mean() const noexcept {
    return count_ == 0 ? 0 : sum_ / static_cast<double>(count_);
  }

  /// The value that a share (0 to 1) of all is not above; 0 where there are none.
  [[nodiscard]] std::uint64_t at(double share) const noexcept {
    const double wanted = share * static_cast<double>(count_);
    std::uint64_t seen = 0;
    for (std::size_t index = 0; index < counts_.size(); ++index) {
      seen += counts_[index];
      if (seen != 0 && static_cast<double>(seen) >= wanted) {
        return std::min(upper_end_of(index), most_);
      }
    }
    return most_;
  }

 private:
  static constexpr int kBits = 7;  // of a bucket's number within its power of two
  static constexpr std::size_t kBuckets = std::size_t{1} << kBits;

  /// Values below 2 * kBuckets have buckets of their own.
  [[nodiscard]] static constexpr std::size_t index_of(std::uint64_t value) noexcept {
    const int shift = std::max(0, static_cast<int>(std::bit_width(value)) - (kBits + 1));
    return static_cast<std::size_t>(shift) * kBuckets + static_cast<std::size_t>(value >> shift);
  }

  /// The largest value of a bucket.
  [[nodiscard]] static constexpr std::uint64_t upper_end_of(std::size_t index) noexcept {
    if (index < 2 * kBuckets) return index;
    const std::size_t shift = index / kBuckets - 1;
    return ((index - shift * kBuckets + 1) << shift) - 1;
  }

  static constexpr std::size_t kAll = (64 - kBits + 1) * kBuckets;

  std::array<std::uint64_t, kAll> counts_{};
  std::uint64_t count_ = 0;
  std::uint64_t least_ = std::numeric_limits<std::uint64_t>::max();
  std::uint64_t most_ = 0;
  double sum_ = 0;
};

}  // namespace valinor::measure
