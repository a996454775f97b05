#include "app/privileges.hpp"

#include <cap-ng.h>
#include <fmt/format.h>
#include <grp.h>
#include <linux/bpf.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <optional>

#include "base/bpf.hpp"
#include "base/failure.hpp"
#include "base/log.hpp"

namespace valinor::app {
namespace {

constexpr const char* kOwnUser = "valinor";

/// More than this are counted in the banner, not named.
constexpr std::size_t kNamed = 8;

constexpr auto kInUse = static_cast<capng_type_t>(CAPNG_EFFECTIVE | CAPNG_PERMITTED);

unsigned number_of(Capability capability) {
  switch (capability) {
    case Capability::net_raw: return CAP_NET_RAW;
    case Capability::net_admin: return CAP_NET_ADMIN;
    case Capability::bpf: return CAP_BPF;
    case Capability::perfmon: return CAP_PERFMON;
    case Capability::ipc_lock: return CAP_IPC_LOCK;
  }
  return CAP_LAST_CAP;
}

/// "CAP_NET_RAW"
std::string name_of(unsigned capability) {
  const char* name = ::capng_capability_to_name(capability);
  std::string text = name == nullptr ? std::to_string(capability) : name;
  std::transform(text.begin(), text.end(), text.begin(), [](char c) {
    return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  });
  return "CAP_" + text;
}

/// "CAP_BPF, CAP_NET_RAW", "40 capabilities", or "none"
std::string to_text(const std::vector<unsigned>& capabilities) {
  if (capabilities.empty()) return "none";
  if (capabilities.size() > kNamed) return fmt::format("{} capabilities", capabilities.size());
  std::string text;
  for (const unsigned one : capabilities) text += (text.empty() ? "" : ", ") + name_of(one);
  return text;
}

void read_capabilities() {
  ::capng_clear(CAPNG_SELECT_BOTH);
  if (::capng_get_caps_process() != 0) throw_errno("read the process's capabilities");
}

bool is_permitted(unsigned capability) {
  return ::capng_have_capability(CAPNG_PERMITTED, capability) == 1;
}

std::vector<unsigned> permitted_capabilities() {
  std::vector<unsigned> all;
  for (unsigned one = 0; one <= CAP_LAST_CAP; ++one) {
    if (is_permitted(one)) all.push_back(one);
  }
  return all;
}

bool may_change_user() { return is_permitted(CAP_SETUID) && is_permitted(CAP_SETGID); }

/// The user to become, or nothing: stay.
std::optional<passwd> find_user(const std::string& wanted) {
  if (wanted.empty()) return std::nullopt;
  const bool automatic = wanted == "auto";
  if (automatic && (::geteuid() != 0 || !may_change_user())) return std::nullopt;
  const passwd* found = ::getpwnam(automatic ? kOwnUser : wanted.c_str());
  if (found == nullptr) {
    if (automatic) return std::nullopt;
    throw Failure{ExitStatus::host_not_ready,
                  {"SEC-USER-01", "cannot become user '" + wanted + "'", "there is no such user",
                   fmt::format("useradd --system {}    or  security.user: auto", wanted)}};
  }
  if (found->pw_uid == ::geteuid()) return std::nullopt;
  if (!may_change_user()) {
    throw Failure{ExitStatus::not_permitted,
                  {"CAP-USER-01", "cannot become user '" + wanted + "'",
                   "CAP_SETUID or CAP_SETGID is missing",
                   "start as root, or as that user with the capabilities that set-up needs; or  "
                   "security.user: \"\"    to stay who started it"}};
  }
  return *found;
}

std::string user_name() {
  const passwd* self = ::getpwuid(::geteuid());
  return self == nullptr ? fmt::format("{}", ::geteuid()) : self->pw_name;
}

/// Before Linux 5.19 and with kernel.unprivileged_bpf_disabled even the counters of our own maps
/// are read with CAP_BPF only. The kernel is asked, as one who has neither that nor CAP_SYS_ADMIN:
/// a map that is not there is EBADF to those who may ask.
bool reading_maps_needs_privilege() {
  ::capng_updatev(CAPNG_DROP, CAPNG_EFFECTIVE, CAP_BPF, CAP_SYS_ADMIN, -1);
  if (::capng_apply(CAPNG_SELECT_CAPS) != 0) throw_errno("lower the effective capabilities");
  bpf_attr nothing;
  std::memset(&nothing, 0, sizeof nothing);
  nothing.map_fd = ~0U;
  const bool refused =
      ::syscall(SYS_bpf, BPF_MAP_LOOKUP_ELEM, &nothing, sizeof nothing) != 0 && errno == EPERM;
  for (const unsigned one : {unsigned{CAP_BPF}, unsigned{CAP_SYS_ADMIN}}) {
    if (is_permitted(one)) ::capng_update(CAPNG_ADD, CAPNG_EFFECTIVE, one);
  }
  if (::capng_apply(CAPNG_SELECT_CAPS) != 0) throw_errno("raise the effective capabilities again");
  return refused;
}

std::vector<unsigned> choose_kept(const SecurityConfig& config,
                                  const std::vector<Capability>& needs) {
  std::vector<unsigned> kept;
  const auto keep = [&kept](unsigned one) {
    if (is_permitted(one) && std::find(kept.begin(), kept.end(), one) == kept.end()) {
      kept.push_back(one);
    }
  };
  for (const Capability one : config.keep_caps) {
    keep(number_of(one));
    if (!is_permitted(number_of(one))) {
      log::warning("security.keep_caps names {}, which the process never had",
                   name_of(number_of(one)));
    }
  }
  for (const Capability one : needs) keep(number_of(one));
  if (reading_maps_needs_privilege()) keep(CAP_BPF);
  return kept;
}

void keep_only(const std::vector<unsigned>& kept, const std::optional<passwd>& user) {
  // Only who has CAP_SETPCAP may; for others no_new_privs makes the bounding set mean nothing.
  if (is_permitted(CAP_SETPCAP)) {
    ::capng_clear(CAPNG_SELECT_BOUNDS);
    if (::capng_apply(CAPNG_SELECT_BOUNDS) != 0) throw_errno("empty the bounding set");
  }
  ::capng_clear(CAPNG_SELECT_BOTH);
  for (const unsigned one : kept) ::capng_update(CAPNG_ADD, kInUse, one);
  const int error = user ? ::capng_change_id(static_cast<int>(user->pw_uid),
                                             static_cast<int>(user->pw_gid), CAPNG_INIT_SUPP_GRP)
                         : ::capng_apply(CAPNG_SELECT_CAPS);
  if (error != 0) throw_errno("drop capabilities");
  if (::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) != 0) {
    throw_errno("clear the ambient capabilities");
  }
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) throw_errno("set no_new_privs");
}

}  // namespace

std::string drop_privileges(const SecurityConfig& config, const std::vector<Capability>& needs) {
  read_capabilities();
  const std::string before = user_name();
  const std::optional<passwd> user = find_user(config.user);
  std::vector<unsigned> dropped = permitted_capabilities();
  const std::vector<unsigned> kept = choose_kept(config, needs);
  keep_only(kept, user);
  dropped.erase(std::remove_if(dropped.begin(), dropped.end(),
                               [&kept](unsigned one) {
                                 return std::find(kept.begin(), kept.end(), one) != kept.end();
                               }),
                dropped.end());
  return fmt::format("user {}{}; dropped {}, kept {}", user_name(),
                     user ? " (was " + before + ")" : "", to_text(dropped), to_text(kept));
}

}  // namespace valinor::app
