/// Ends the wait of another thread: an event that any thread raises and one waits for.
#pragma once

#include <chrono>

#include "base/unique_fd.hpp"

namespace valinor {

class WakeEvent {
 public:
  /// Throws std::system_error.
  WakeEvent();

  /// One write(2). The event is there until it is cleared, however often it is raised. Any thread.
  void raise() const noexcept;

  /// Nothing where it was not raised. The thread that waits.
  void clear() const noexcept;

  /// Until the event is raised, which it clears, or `longest` is over; a signal ends it sooner.
  void wait(std::chrono::microseconds longest) const noexcept;

  /// Readable while the event is there: for poll(2) with others.
  [[nodiscard]] int fd() const noexcept { return fd_.get(); }

 private:
  UniqueFd fd_;
};

}  // namespace valinor
