/// What the process may still do once its interfaces are open, and as which user.
///
///   set-up, with all capabilities -> drop_privileges() -> limit_system_calls() -> threads start
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace valinor::app {

/// What set-up needs, and what a configuration may keep; the order of its words.
enum class Capability : std::uint8_t { net_raw, net_admin, bpf, perfmon, ipc_lock };

struct SecurityConfig {
  /// Who the process is after set-up. "auto": user valinor, where the process is root and such a
  /// user exists; "": nobody else.
  std::string user = "auto";
  std::vector<Capability> keep_caps = {};  // what survives set-up
  bool reopen = true;   // CAP_NET_RAW is kept, to open interfaces again that were removed
  bool seccomp = true;  // whether system calls are limited
};

/// Becomes the configured user, gives up every capability but those of config.keep_caps and those
/// that the rest of the run `needs`, empties the bounding set (where CAP_SETPCAP is there) and the
/// ambient set, and sets no_new_privs. For good. A capability that the process never had is not
/// kept, and said in a warning if the configuration asks for it.
///
/// Call it while the process has one thread: the kernel keeps all this for each thread, and those
/// that start later inherit it. Answers what was dropped and what stays, for the start-up banner.
/// Throws Failure: SEC-USER-01 (no such user), CAP-USER-01 (may not become that user).
std::string drop_privileges(const SecurityConfig& config, const std::vector<Capability>& needs);

}  // namespace valinor::app
