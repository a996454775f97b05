/// Puts settings back: our own at the end, and those that a crash or `doctor --fix` has left.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "nic/device.hpp"
#include "nic/undo_journal.hpp"

namespace valinor::nic {

enum class RestoreResult {
  restored,       // or it was as before already
  changed_since,  // somebody else has set it to a third value: left as it is
  refused,        // by the driver: it stays in the journal
  device_gone,    // the interface is gone, or another has its name: nothing to put back
  in_use,         // its process still runs
  elsewhere,      // of another network namespace
};

/// One setting of a journal, or a journal as a whole where `what` is empty.
struct Restoration {
  std::string interface;
  pid_t process = 0;  // that had changed it
  RestoreResult result = RestoreResult::restored;
  std::string what;  // "8 combined channels": what was to be again
  std::string why;   // of a refusal: "EBUSY: Device or resource busy"
};

/// Puts back one change, unless somebody else has changed the same setting since. A driver that
/// refuses is asked again for up to a second.
[[nodiscard]] Restoration restore(const Device& device, const Change& change);

/// Which journals left behind are meant.
enum class Left {
  by_crash,  // their process died before it could put them back
  at_all,    // those as well that were kept on purpose
};

/// Puts back what journals without a living process say, newest change first, and removes those
/// that are done with. `interface`: only that one's. What a driver refuses stays for the next time,
/// and so does all of an interface that a living process has settings of: it found those that were
/// left behind, and will put those back first.
[[nodiscard]] std::vector<Restoration> restore_left_behind(
    Left which, const std::filesystem::path& folder = kUndoFolder,
    const std::optional<std::string>& interface = std::nullopt);

/// As a line for log and terminal: "enp1s0f0: 8 combined channels again".
[[nodiscard]] std::string to_text(const Restoration& restoration);

}  // namespace valinor::nic
