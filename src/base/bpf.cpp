#include "base/bpf.hpp"

#include <bpf/libbpf.h>
#include <linux/capability.h>
#include <linux/membarrier.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdarg>
#include <cstdio>
#include <string>
#include <thread>

#include "base/failure.hpp"
#include "base/log.hpp"

namespace valinor::bpf {
namespace {

int log_as_debug(libbpf_print_level, const char* format, va_list arguments) {
  va_list again;
  va_copy(again, arguments);
  std::string text(
      static_cast<std::size_t>(std::max(0, std::vsnprintf(nullptr, 0, format, arguments))), '\0');
  std::vsnprintf(text.data(), text.size() + 1, format, again);
  va_end(again);
  while (text.ends_with('\n')) text.pop_back();
  if (!text.empty()) log::debug("{}", text);
  return 0;
}

}  // namespace

void log_libbpf_as_debug() { ::libbpf_set_print(log_as_debug); }

bool has_capability(int capability) {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  std::array<__user_cap_data_struct, 2> words{};
  if (::syscall(SYS_capget, &header, words.data()) != 0) return false;
  const auto bit = static_cast<unsigned>(capability);
  return (words[bit / 32].effective >> bit % 32 & 1) != 0;
}

std::string describe_load_refusal() {
  std::string missing;
  if (!has_capability(CAP_BPF)) missing = "CAP_BPF (before Linux 5.8: CAP_SYS_ADMIN)";
  if (!has_capability(CAP_NET_ADMIN)) {
    missing += missing.empty() ? "CAP_NET_ADMIN" : " and CAP_NET_ADMIN";
  }
  if (!missing.empty()) return "kernel said EPERM: missing is " + missing;
  // In a user namespace of a container the capability is there, and counts for nothing.
  return "kernel said EPERM although CAP_BPF and CAP_NET_ADMIN are there: they are of a user "
         "namespace, or a security module refused";
}

void throw_if_not_permitted(const std::string& what, int error) {
  if (error != EPERM) return;
  throw Failure{ExitStatus::not_permitted,
                {.code = "CAP-BPF-01",
                 .what = what,
                 .why = describe_load_refusal(),
                 .next = "run as root, or with CAP_BPF and CAP_NET_ADMIN"}};
}

void wait_for_running_programs() {
  // XDP programs, from their start to the flush of their redirects, and tc programs run with bottom
  // halves off, which is an RCU read-side section. MEMBARRIER_CMD_GLOBAL is synchronize_rcu() for
  // user space: it returns after every section that had begun before it.
  if (::syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0) == 0) return;
  // Refused on nohz_full kernels. A grace period lasts some milliseconds; this is many of them.
  std::this_thread::sleep_for(std::chrono::milliseconds{200});
}

}  // namespace valinor::bpf
