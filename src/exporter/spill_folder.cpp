#include "exporter/spill_folder.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <utility>

namespace valinor::exporter {
namespace {

namespace fs = std::filesystem;

/// As many processes of this program at a time.
constexpr int kMostFiles = 1000;

/// Sorts a file that is there into `spills`; answers whether its path may be used anew.
bool take_over(const fs::path& path, std::span<const SpillOwner> owners, Spills& spills) {
  Result<SpillFile> file = SpillFile::open(path);
  if (!file) {
    const int error = file.error().code.value();
    if (error != EWOULDBLOCK) {
      spills.warnings.push_back(
          fmt::format("{} is not used: {}", path.string(), file.error().code.message()));
    }
    return false;
  }
  if (file->records() == 0) return true;
  const auto owner = std::ranges::find(owners, file->owner().store, &SpillOwner::store);
  if (owner == owners.end()) {
    spills.warnings.push_back(fmt::format("{} records for {} (key {}) wait in {}", file->records(),
                                          file->owner().store, file->owner().key, path.string()));
    return false;
  }
  OwnedSpills& of = spills.of[static_cast<std::size_t>(owner - owners.begin())];
  if (file->owner() == *owner && !of.own) {
    of.own = std::move(*file);
  } else {
    of.left_behind.push_back(std::move(*file));
  }
  return false;
}

}  // namespace

std::vector<fs::path> find_spills(const fs::path& folder) {
  std::vector<fs::path> files;
  std::error_code ignored;  // who opens or makes one is told
  for (const auto& entry : fs::directory_iterator{folder, ignored}) {
    if (entry.path().extension() == ".spill") files.push_back(entry.path());
  }
  std::ranges::sort(files);
  return files;
}

Result<Spills> open_spills(const SpillConfig& config, std::span<const SpillOwner> owners) {
  const fs::path folder{config.folder};
  std::error_code error;
  fs::create_directories(folder, error);
  if (error) return tl::unexpected{Error{error, "make the folder " + folder.string()}};

  Spills spills;
  spills.of.resize(owners.size());
  std::vector<fs::path> taken;
  for (const fs::path& path : find_spills(folder)) {
    if (!take_over(path, owners, spills)) taken.push_back(path);
  }
  int number = 0;
  for (std::size_t i = 0; i < owners.size(); ++i) {
    for (; number < kMostFiles && !spills.of[i].own; ++number) {
      const fs::path path = folder / fmt::format("{:03}.spill", number);
      if (std::ranges::find(taken, path) != taken.end()) continue;
      Result<SpillFile> file = SpillFile::create(path, owners[i], config.max_bytes);
      if (file) {
        spills.of[i].own = std::move(*file);
      } else if (file.error().code.value() != EWOULDBLOCK) {  // somebody was faster
        return tl::unexpected{file.error()};
      }
    }
  }
  return spills;
}

std::uint64_t count_spilled(const SpillConfig& config, const SpillOwner& owner) {
  std::uint64_t records = 0;
  for (const fs::path& path : find_spills(fs::path{config.folder})) {
    const Result<SpillFile> file = SpillFile::open(path);
    if (file && file->owner() == owner) records += file->records();
  }
  return records;
}

}  // namespace valinor::exporter
