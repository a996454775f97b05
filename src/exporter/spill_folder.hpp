/// The files in which records wait on disk (SpillFile), of all runs on this machine.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "exporter/config.hpp"
#include "exporter/spill_file.hpp"

namespace valinor::exporter {

/// What is there for one owner.
struct OwnedSpills {
  std::optional<SpillFile> own;        // for his records; may hold some of an earlier run's
  std::vector<SpillFile> left_behind;  // other records for the same store, of runs that have ended
};

struct Spills {
  std::vector<OwnedSpills> of;        // each owner, in their order; all have an `own`
  std::vector<std::string> warnings;  // files that cannot be used, or hold another store's records
};

/// Makes the folder where it is missing, takes over what ended processes have left there for the
/// owners' stores, and finds a file for each owner: one with his own records, one that is empty, or
/// a new one. The errors are those of mkdir(2) and open(2). Files of living processes are left
/// alone.
[[nodiscard]] Result<Spills> open_spills(const SpillConfig& config,
                                         std::span<const SpillOwner> owners);

/// The paths of the files in `folder`, in their order.
[[nodiscard]] std::vector<std::filesystem::path> find_spills(const std::filesystem::path& folder);

/// How many records of ended processes wait there for this very owner. Leaves all as it is.
[[nodiscard]] std::uint64_t count_spilled(const SpillConfig& config, const SpillOwner& owner);

}  // namespace valinor::exporter
