/// How long packets stay in this host: from their arrival, by the best clock that saw it, until
/// they have left.
///
///   Frame::arrival -> port -> (kernel, NIC) -> Departure -> Residence
///
/// A packet's record is with the exporter long before the packet has left, so the time of leaving
/// is no part of it; what can be said of all packets of a worker is said here. add() belongs to the
/// worker's thread, summary() to any.
#pragma once

#include <atomic>
#include <cstdint>
#include <limits>

#include "base/counter.hpp"
#include "base/time.hpp"

namespace valinor::pipeline {

struct ResidenceSummary {
  std::uint64_t packets = 0;
  Nanos shortest{}, mean{}, longest{};
  std::uint64_t unanswered = 0;   // nobody said when they left
  std::uint64_t implausible = 0;  // left before they came, or more than a minute later
};

class Residence {
 public:
  void add(Nanos time) noexcept;
  void add_unanswered() noexcept { unanswered_.add(1); }

  [[nodiscard]] ResidenceSummary summary() const noexcept;

 private:
  Counter packets_;
  Counter nanos_;
  Counter unanswered_;
  Counter implausible_;
  // One writer, as a Counter has.
  std::atomic<std::int64_t> shortest_{std::numeric_limits<std::int64_t>::max()};
  std::atomic<std::int64_t> longest_{0};
};

}  // namespace valinor::pipeline
