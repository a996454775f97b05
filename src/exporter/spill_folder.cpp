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

std::vector<fs::path> find_files(const fs::path& folder) {
  std::vector<fs::path> files;
  std::error_code ignored;  // create() will tell
  for (const auto& entry : fs::directory_iterator{folder, ignored}) {
    if (entry.path().extension() == ".spill") files.push_back(entry.path());
  }
  std::ranges::sort(files);
  return files;
}

/// Sorts a file that is there into `spills`; answers whether its path may be used anew.
bool take_over(const fs::path& path, const SpillOwner& owner, Spills& spills) {
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
  if (file->owner().store != owner.store) {
    spills.warnings.push_back(fmt::format("{} records for {} (key {}) wait in {}", file->records(),
                                          file->owner().store, file->owner().key, path.string()));
  } else if (file->owner() == owner && !spills.own) {
    spills.own = std::move(*file);
  } else {
    spills.left_behind.push_back(std::move(*file));
  }
  return false;
}

}  // namespace

Result<Spills> open_spills(const SpillConfig& config, const SpillOwner& owner) {
  const fs::path folder{config.folder};
  std::error_code error;
  fs::create_directories(folder, error);
  if (error) return tl::unexpected{Error{error, "make the folder " + folder.string()}};

  Spills spills;
  std::vector<fs::path> empty;
  const std::vector<fs::path> there = find_files(folder);
  for (const fs::path& path : there) {
    if (take_over(path, owner, spills)) empty.push_back(path);
  }
  for (int n = 0; n < kMostFiles && !spills.own; ++n) {
    const fs::path path = folder / fmt::format("{:03}.spill", n);
    const bool is_there = std::ranges::find(there, path) != there.end();
    if (is_there && std::ranges::find(empty, path) == empty.end()) continue;
    Result<SpillFile> file = SpillFile::create(path, owner, config.max_bytes);
    if (file) {
      spills.own = std::move(*file);
    } else if (file.error().code.value() != EWOULDBLOCK) {  // somebody was faster
      return tl::unexpected{file.error()};
    }
  }
  return spills;
}

std::uint64_t count_spilled(const SpillConfig& config, const SpillOwner& owner) {
  std::uint64_t records = 0;
  for (const fs::path& path : find_files(fs::path{config.folder})) {
    const Result<SpillFile> file = SpillFile::open(path);
    if (file && file->owner() == owner) records += file->records();
  }
  return records;
}

}  // namespace valinor::exporter
