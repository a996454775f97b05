/// The files in which records wait on disk (SpillFile), of all runs on this machine.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "exporter/config.hpp"
#include "exporter/spill_file.hpp"

namespace valinor::exporter {

struct Spills {
  std::optional<SpillFile> own;        // for the owner's records; may hold some of an earlier run's
  std::vector<SpillFile> left_behind;  // other records for the same store, of runs that have ended
  std::vector<std::string> warnings;   // files that cannot be used, or hold another store's records
};

/// Makes the folder where it is missing, takes over what ended processes have left there for
/// `owner.store`, and finds a file for the owner: one with his own records, one that is empty, or a
/// new one. The errors are those of mkdir(2) and open(2). Files of living processes are left alone.
[[nodiscard]] Result<Spills> open_spills(const SpillConfig& config, const SpillOwner& owner);

/// How many records of ended processes wait there for this very owner. Leaves all as it is.
[[nodiscard]] std::uint64_t count_spilled(const SpillConfig& config, const SpillOwner& owner);

}  // namespace valinor::exporter
