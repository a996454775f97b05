#include "app/service_manager.hpp"

#include <systemd/sd-daemon.h>

#include <cstdint>

namespace valinor::app {
namespace {

/// Best effort: a manager that does not listen is no reason to end the run.
void tell(const std::string& lines) { ::sd_notify(0, lines.c_str()); }

}  // namespace

ServiceManager::ServiceManager() {
  std::uint64_t interval_us = 0;
  if (::sd_watchdog_enabled(0, &interval_us) > 0) {
    interval_ = std::chrono::microseconds{interval_us};
  }
}

void ServiceManager::tell_ready(const std::string& status) const {
  tell("READY=1\nSTATUS=" + status);
}

void ServiceManager::tell_alive() {
  if (interval_.count() == 0 || Clock::now() < due_) return;
  tell("WATCHDOG=1");
  due_ = Clock::now() + interval_ / 2;
}

void ServiceManager::tell_stopping(const std::string& why) const {
  tell("STOPPING=1\nSTATUS=stopping: " + why);
}

}  // namespace valinor::app
