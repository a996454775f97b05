/// Where records of a run are missing: an analysis must not take a gap for an idle link.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "base/time.hpp"
#include "exporter/exporter_stats.hpp"

namespace valinor::exporter {

/// Records lost in a row, for one reason.
struct Gap {
  LossReason reason;
  HostTime from, to;  // when the packets of the first and the last arrived
  std::uint64_t records = 0;
};

/// Those of one store, of which the first are kept; the rest is counted. One thread.
class Gaps {
 public:
  /// A store that goes and comes each second fills it in a quarter of an hour; 40 KiB.
  static constexpr std::size_t kMostKept = 1000;

  void add(const Gap& gap) {
    if (kept_.size() < kMostKept) {
      kept_.push_back(gap);
    } else {
      ++left_out_;
    }
  }

  [[nodiscard]] const std::vector<Gap>& kept() const noexcept { return kept_; }
  [[nodiscard]] std::uint64_t left_out() const noexcept { return left_out_; }

 private:
  std::vector<Gap> kept_;
  std::uint64_t left_out_ = 0;
};

/// Of a store that has any.
struct StoreGaps {
  std::string store;  // RecordStore::name()
  Gaps gaps;
};

}  // namespace valinor::exporter
