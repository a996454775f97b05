/// Remembers on disk what a setting was before we changed it, so that it can be put back after a
/// crash as well.
///
///   /run/valinor-afxdp/undo/enp1s0f0.<pid>.<n>      one file for each interface and process
///     {"interface": "enp1s0f0", "index": 2, "namespace": 1, "boot": "...", "pid": 4711}
///     {"before": {"channels": {...}}}               written before the change
///     {"after": {"channels": {...}}}                written once it was made
///     {"kept": true}                                to stay when its process ends
///
/// Who writes a journal holds a lock (flock) on it, which the kernel takes back when the process
/// dies, however it dies: a journal without a lock has been left behind. A process id would not
/// tell, because ids are used again and containers have ids of their own.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "base/unique_fd.hpp"
#include "nic/device.hpp"
#include "nic/setting.hpp"

namespace valinor::nic {

/// Empty again at each boot, like the settings.
inline constexpr const char* kUndoFolder = "/run/valinor-afxdp/undo";

/// One thread.
class UndoJournal {
 public:
  /// Writes nothing yet.
  UndoJournal(const Device& device, std::filesystem::path folder);

  /// On return the line is on disk. Throws Failure (NIC-UNDO-01) where it cannot be written: then
  /// nothing may be changed.
  void will_change(const Setting& before);

  /// What came of it.
  void has_changed(const Setting& after);

  /// From now on it stays until it is asked for by name: `doctor --undo`.
  void keep();

  /// Everything was put back.
  void remove() noexcept;

 private:
  void create();
  void write_line(const std::string& line);

  const Device& device_;
  std::filesystem::path folder_;
  std::filesystem::path path_;
  UniqueFd file_;
};

/// A setting that was changed; `after` is missing where the process died in between.
struct Change {
  Setting before;
  std::optional<Setting> after;
};

/// A journal, read.
struct UndoRecord {
  std::string interface;
  std::uint32_t index = 0;
  std::uint64_t namespace_cookie = 0;
  std::string boot;
  pid_t process = 0;
  bool kept = false;
  std::vector<Change> changes;  // in the order they were made
};

/// Reads as far as it is whole: a last line that was cut short has changed nothing yet. Nothing:
/// not even the first line is there.
[[nodiscard]] std::optional<UndoRecord> read_undo_record(const std::filesystem::path& path);

/// The kernel's name for this boot.
[[nodiscard]] std::string boot_id();

}  // namespace valinor::nic
