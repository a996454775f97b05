/// A whole sorted set as Redis' DUMP writes it and RESTORE takes it: several times as fast as ZADD,
/// because the server gets it sorted and parses no numbers (RDB type 5, RDB_TYPE_ZSET_2).
///
///   type 5 | count | count x { length 68, member in hex, score: 8 bytes of a double } | version |
///   CRC64
///
/// Elements stand from the highest score to the lowest, so that each is inserted at the set's end.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "exporter/valinor_entry.hpp"

namespace valinor::exporter {

class RdbZset {
 public:
  /// Sorts the rows, and leaves out those that are there already.
  explicit RdbZset(std::vector<ValinorRow> rows);

  /// Members, and rows left out.
  [[nodiscard]] std::uint64_t members() const noexcept { return rows_.size(); }
  [[nodiscard]] std::uint64_t duplicates() const noexcept { return duplicates_; }

  /// Of the whole payload.
  [[nodiscard]] std::uint64_t payload_bytes() const noexcept;

  /// Appends the next piece of the payload, at most 1 MiB; false: that was the last one.
  [[nodiscard]] bool append_piece(std::string& out);

  /// The members, in ascending order.
  [[nodiscard]] const std::vector<ValinorRow>& rows() const noexcept { return rows_; }

 private:
  std::vector<ValinorRow> rows_;
  std::uint64_t duplicates_ = 0;
  std::size_t left_;  // to be written
  bool begun_ = false;
  std::uint64_t crc_ = 0;
};

/// The most rows for one RESTORE: a word of a command has at most 512 MiB (proto-max-bulk-len).
inline constexpr std::size_t kMostRdbRows = 6'500'000;

}  // namespace valinor::exporter
