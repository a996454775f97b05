/// When records were lost for want of room in their ring. It is told of losses only, and what was
/// kept between two of them it does not know: losses less than 10 ms apart are one span.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/time.hpp"

namespace valinor::telemetry {

/// add() belongs to the ring's producer; the rest to whoever has seen that it has ended.
class RecordLosses {
 public:
  struct Span {
    HostTime from, to;  // when the packets of the first and the last arrived
    std::uint64_t records = 0;
  };

  /// Spans that are kept; of further ones the number. 24 KiB a ring.
  static constexpr std::size_t kMostKept = 1000;

  RecordLosses() { kept_.reserve(kMostKept); }

  /// Allocates nothing.
  void add(HostTime time) noexcept;

  [[nodiscard]] const std::vector<Span>& kept() const noexcept { return kept_; }
  [[nodiscard]] std::uint64_t left_out() const noexcept { return left_out_; }

 private:
  std::vector<Span> kept_;
  std::uint64_t left_out_ = 0;
  HostTime last_{};  // loss; valid once there was one
};

}  // namespace valinor::telemetry
