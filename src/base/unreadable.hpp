/// What a user may look at when a file cannot be read.
#pragma once

#include <string>

namespace valinor {

/// A command and what it shows, for `next` of a message: "ls -l 'conf'    shows what is there".
/// `error` is the errno value of opening or reading `path`.
[[nodiscard]] std::string advise_on_unreadable(const std::string& path, int error);

}  // namespace valinor
