/// What the main thread waits for: a signal, the next tick, the end of the run.
#pragma once

#include <chrono>
#include <string>

#include "base/unique_fd.hpp"

namespace valinor::app {

/// Blocks SIGINT and SIGTERM for the calling thread and all that it starts later, and SIGPIPE for
/// good; create it before any thread. Main thread.
class Signals {
 public:
  Signals();

  /// The name of a signal that has come, "" if none has within `patience`, or once there is
  /// something to read from `other`.
  [[nodiscard]] std::string wait(std::chrono::milliseconds patience, int other = -1);

  /// From now on a second SIGINT ends the process at once, with exit status 130; one that comes
  /// within 0.2 s of this call still counts as the first.
  static void exit_on_next();

 private:
  UniqueFd fd_;
};

}  // namespace valinor::app
