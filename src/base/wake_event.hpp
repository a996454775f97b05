/// Ends the wait of another thread.
#pragma once

#include <chrono>

#include "base/unique_fd.hpp"

namespace valinor {

class WakeEvent {
 public:
  /// Throws std::system_error.
  WakeEvent();

  /// Until clear() the event is there, however often it is raised. Any thread.
  void raise() const noexcept;
  void clear() const noexcept;

  /// Until the event is raised, which it clears, or `longest` is over.
  void wait(std::chrono::microseconds longest) const noexcept;

  /// Readable while the event is there: for poll(2) with others.
  [[nodiscard]] int fd() const noexcept { return fd_.get(); }

 private:
  UniqueFd fd_;
};

}  // namespace valinor
