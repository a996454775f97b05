/// Tells systemd how the program is: units of Type=notify and with WatchdogSec=. Where the program
/// was not started by such a unit, nothing happens.
#pragma once

#include <chrono>
#include <string>

namespace valinor::app {

/// Main thread.
class ServiceManager {
 public:
  ServiceManager();

  /// Start is over: units ordered after ours may start. `status` is shown by systemctl status.
  void tell_ready(const std::string& status) const;

  /// The main thread goes round. Call it as often as you like: systemd is told twice in each
  /// interval of the watchdog.
  void tell_alive();

  void tell_stopping(const std::string& why) const;

 private:
  using Clock = std::chrono::steady_clock;

  std::chrono::microseconds interval_{0};  // 0: there is no watchdog
  Clock::time_point due_;
};

}  // namespace valinor::app
