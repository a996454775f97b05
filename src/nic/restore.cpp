#include "nic/restore.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <thread>

#include "base/failure.hpp"

namespace valinor::nic {
namespace {

namespace fs = std::filesystem;

/// The interface that the journal is about; nothing: it is gone, or another one has its name.
std::optional<Device> find_device(const UndoRecord& record) {
  try {
    Device device{record.interface};
    if (device.index().value() == record.index) return device;
  } catch (const Failure&) {  // IF-NAME-01
  }
  return std::nullopt;
}

/// The kernel lets go of closed AF_XDP sockets a moment later, and until then refuses fewer queues.
constexpr std::chrono::seconds kPatience{1};

int write_patiently(const Device& device, const Setting& setting) {
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  while (true) {
    const int error = write(device, setting);
    const bool may_pass = error == EINVAL || error == EBUSY;
    if (!may_pass || std::chrono::steady_clock::now() >= deadline) return error;
    std::this_thread::sleep_for(std::chrono::milliseconds{5});
  }
}

/// Whether the journal at `path` may go: nothing of it is left to do.
bool restore_record(const UndoRecord& record, std::vector<Restoration>& done) {
  const auto device = find_device(record);
  if (!device) {
    done.push_back({record.interface, record.process, RestoreResult::device_gone, {}, {}});
    return true;
  }
  bool is_finished = true;
  for (auto change = record.changes.rbegin(); change != record.changes.rend(); ++change) {
    done.push_back(restore(*device, *change));
    done.back().process = record.process;
    if (done.back().result == RestoreResult::refused) is_finished = false;
  }
  return is_finished;
}

/// 0 where there is no way to ask.
std::uint64_t own_namespace() {
  try {
    return Device{"lo"}.namespace_cookie();
  } catch (const Failure&) {
    return 0;
  }
}

/// A journal of this namespace, held by us.
struct Held {
  fs::path path;
  UniqueFd lock;
  UndoRecord record;
};

struct Journals {
  std::vector<Held> left_behind;
  std::vector<UndoRecord> of_living;
  std::vector<UndoRecord> elsewhere;

  [[nodiscard]] bool is_living(const std::string& interface) const {
    return std::any_of(of_living.begin(), of_living.end(),
                       [&](const UndoRecord& one) { return one.interface == interface; });
  }
};

void take_up(const fs::path& path, Journals& journals) {
  UniqueFd file{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
  if (!file) return;  // finished by its process meanwhile
  const bool is_ours = ::flock(file.get(), LOCK_EX | LOCK_NB) == 0;
  struct stat found {};
  if (::fstat(file.get(), &found) != 0 || found.st_nlink == 0) return;
  auto record = read_undo_record(path);
  if (is_ours && (!record || record->boot != boot_id())) {
    // Without a first line nothing was changed; and a boot puts everything back.
    ::unlink(path.c_str());
  } else if (record && record->namespace_cookie != own_namespace()) {
    journals.elsewhere.push_back(*std::move(record));
  } else if (record && is_ours) {
    journals.left_behind.push_back({path, std::move(file), *std::move(record)});
  } else if (record) {
    journals.of_living.push_back(*std::move(record));
  }
}

/// Newest first: a later process found what an earlier one had set.
std::vector<fs::path> list(const fs::path& folder) {
  std::vector<fs::path> paths;
  std::error_code ignored;  // no folder: nothing was ever changed
  for (const auto& entry : fs::directory_iterator{folder, ignored}) paths.push_back(entry.path());
  const auto age = [](const fs::path& path) {
    std::error_code gone;
    return fs::last_write_time(path, gone);
  };
  std::sort(paths.begin(), paths.end(),
            [&](const fs::path& a, const fs::path& b) { return age(a) > age(b); });
  return paths;
}

}  // namespace

Restoration restore(const Device& device, const Change& change) {
  Restoration done{device.name(), 0, RestoreResult::restored, describe(change.before), {}};
  if (!device.is_there()) {
    done.result = RestoreResult::device_gone;
    return done;
  }
  const auto now = read_like(device, change.before);
  if (now == change.before) return done;
  if (now && change.after && *now != *change.after) {
    done.result = RestoreResult::changed_since;
    done.why = "it is now: " + describe(*now);
    return done;
  }
  if (const int error = write_patiently(device, change.before); error != 0) {
    done.result = RestoreResult::refused;
    done.why = describe_errno(error);
  }
  return done;
}

std::vector<Restoration> restore_left_behind(Left which, const fs::path& folder,
                                             const std::optional<std::string>& interface) {
  Journals journals;
  for (const fs::path& path : list(folder)) take_up(path, journals);
  std::vector<Restoration> done;
  const auto is_meant = [&](const UndoRecord& record) {
    return !interface || record.interface == *interface;
  };
  for (const Held& held : journals.left_behind) {
    if (!is_meant(held.record) || journals.is_living(held.record.interface)) continue;
    if (held.record.kept && which == Left::by_crash) continue;
    if (restore_record(held.record, done)) ::unlink(held.path.c_str());
  }
  const auto tell = [&](const std::vector<UndoRecord>& records, RestoreResult result) {
    for (const UndoRecord& record : records) {
      if (is_meant(record)) done.push_back({record.interface, record.process, result, {}, {}});
    }
  };
  if (which == Left::at_all) {
    tell(journals.of_living, RestoreResult::in_use);
    tell(journals.elsewhere, RestoreResult::elsewhere);
  }
  return done;
}

std::string to_text(const Restoration& restoration) {
  const Restoration& r = restoration;
  switch (r.result) {
    case RestoreResult::restored: return fmt::format("{}: {} again", r.interface, r.what);
    case RestoreResult::changed_since:
      return fmt::format("{}: not put back to {}; {}, so somebody else has set it", r.interface,
                         r.what, r.why);
    case RestoreResult::refused:
      return fmt::format("{}: cannot be put back to {}: {}", r.interface, r.what, r.why);
    case RestoreResult::device_gone:
      return fmt::format("{}: the interface is gone, and its settings with it", r.interface);
    case RestoreResult::in_use:
      return fmt::format("{}: process {} still needs the settings that it made", r.interface,
                         r.process);
    case RestoreResult::elsewhere:
      return fmt::format("{}: changed in another network namespace; undo it there", r.interface);
  }
  return {};
}

}  // namespace valinor::nic
