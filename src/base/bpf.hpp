/// What every BPF program of ours needs from its host program.
#pragma once

#include <string>

namespace valinor::bpf {

/// From now on libbpf's own messages, the verifier's pages included, are log lines of level debug:
/// by default it prints failures, and harmless notes, on stderr. Any thread, any number of times.
void log_libbpf_as_debug();

/// Why the kernel answered EPERM to the loading of a program for packets, by what the process
/// lacks: "kernel said EPERM: missing is CAP_BPF (before Linux 5.8: CAP_SYS_ADMIN)".
[[nodiscard]] std::string describe_load_refusal();

/// Where `error` of such a loading is EPERM: throws Failure (CAP-BPF-01) with `what` could not be
/// done.
void throw_if_not_permitted(const std::string& what, int error);

/// Whether the process has an effective capability (CAP_BPF, ... of linux/capability.h).
[[nodiscard]] bool has_capability(int capability);

/// Returns when every BPF program that was running in a packet path has ended.
void wait_for_running_programs();

}  // namespace valinor::bpf
