/// The equations that a run must satisfy, and how they are printed.
///
///   frames received  = transmitted + consumed + passed + each drop reason
///   records produced + recovered = stored + collapsed + pending + each loss reason
///   packets left     = records + overflow                                     (of the tap)
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/drop_reason.hpp"
#include "base/failure.hpp"
#include "exporter/exporter_stats.hpp"

namespace valinor::app {

struct FrameBooks {
  std::uint64_t received = 0;     // that the port (and its XDP program) saw
  std::uint64_t transmitted = 0;  // that left
  std::uint64_t consumed = 0;     // record taken, frame done with
  std::uint64_t passed = 0;       // left to the host's stack
  std::array<std::uint64_t, kDropReasons> dropped{};

  [[nodiscard]] std::uint64_t& dropped_by(DropReason reason) noexcept {
    return dropped[static_cast<std::size_t>(reason)];
  }
  [[nodiscard]] std::uint64_t all_dropped() const noexcept;
  /// Frames that were steered to us and never reached a worker: records that could not be made.
  [[nodiscard]] std::uint64_t never_received() const noexcept;
  [[nodiscard]] bool balanced() const noexcept;

  /// "frames   1,000 received = 900 transmitted + 0 consumed + 90 passed + 10 dropped   complete"
  /// and a line that names each drop reason that occurred.
  [[nodiscard]] std::string to_text() const;
};

/// Of the stores that share the records; where each gets all of them, each has its own.
struct RecordBooks {
  std::string stores;  // what they are called, where there are others
  std::uint64_t produced = 0;
  std::uint64_t recovered = 0;  // that an earlier run left on disk
  std::uint64_t stored = 0;
  std::uint64_t collapsed = 0;
  std::uint64_t pending = 0;
  std::uint64_t on_disk = 0;    // of those pending
  std::uint64_t ring_full = 0;  // lost before the exporter saw them
  std::array<std::uint64_t, exporter::kLossReasons> lost{};

  [[nodiscard]] std::uint64_t all_lost() const noexcept;
  [[nodiscard]] bool balanced() const noexcept;
  [[nodiscard]] std::string to_text() const;
};

struct TapBooks {
  std::uint64_t packets = 0;   // that left the tapped interfaces
  std::uint64_t records = 0;   // made of them
  std::uint64_t overflow = 0;  // lost, because the program was behind

  [[nodiscard]] bool balanced() const noexcept { return packets == records + overflow; }
  [[nodiscard]] std::string to_text() const;
};

/// What the exporter counted, of records that workers `produced` and `ring_full` of them lost.
[[nodiscard]] std::vector<RecordBooks> make_record_books(
    const std::vector<exporter::ExporterTotals>& totals, std::uint64_t produced,
    std::uint64_t ring_full);

/// How the program ends: `done`; `records_lost`, also where telemetry never reached a worker; where
/// the books do not balance, `internal_error`.
[[nodiscard]] ExitStatus judge_books(const FrameBooks& frames,
                                     const std::vector<RecordBooks>& records,
                                     const std::optional<TapBooks>& tap);

/// Prints them to stdout, and judges them.
[[nodiscard]] ExitStatus print_books(const FrameBooks& frames,
                                     const std::vector<RecordBooks>& records,
                                     const std::optional<TapBooks>& tap = std::nullopt);

}  // namespace valinor::app
