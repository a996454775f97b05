#include "app/system_calls.hpp"

#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/netlink.h>
#include <linux/ptp_clock.h>
#include <linux/sockios.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <initializer_list>
#include <memory>
#include <type_traits>
#include <vector>

#include "base/failure.hpp"

namespace valinor::app {
namespace {

/// Allowed with any argument.
constexpr std::array kAlways{
    // Packets, records, log lines: on what is open already.
    SCMP_SYS(read), SCMP_SYS(readv), SCMP_SYS(pread64), SCMP_SYS(pwrite64), SCMP_SYS(write),
    SCMP_SYS(writev), SCMP_SYS(close), SCMP_SYS(lseek), SCMP_SYS(poll), SCMP_SYS(ppoll),
    SCMP_SYS(epoll_ctl), SCMP_SYS(epoll_wait), SCMP_SYS(epoll_pwait), SCMP_SYS(fcntl),
    SCMP_SYS(eventfd2),
    // Connections to Redis and to systemd; a resolver's questions.
    SCMP_SYS(connect), SCMP_SYS(bind), SCMP_SYS(getsockname), SCMP_SYS(getpeername),
    SCMP_SYS(getsockopt), SCMP_SYS(setsockopt), SCMP_SYS(sendto), SCMP_SYS(sendmsg),
    SCMP_SYS(sendmmsg), SCMP_SYS(recvfrom), SCMP_SYS(recvmsg), SCMP_SYS(recvmmsg),
    SCMP_SYS(shutdown),
    // What a resolver looks at: /etc/resolv.conf, /etc/hosts, its own plug-ins.
    SCMP_SYS(fstat), SCMP_SYS(stat), SCMP_SYS(lstat), SCMP_SYS(newfstatat), SCMP_SYS(statx),
    SCMP_SYS(access), SCMP_SYS(faccessat), SCMP_SYS(faccessat2), SCMP_SYS(readlink),
    SCMP_SYS(readlinkat), SCMP_SYS(getdents64), SCMP_SYS(fstatfs), SCMP_SYS(getcwd),
    // Memory; mmap and mprotect are below.
    SCMP_SYS(brk), SCMP_SYS(munmap), SCMP_SYS(mremap), SCMP_SYS(madvise),
    // Threads; clone is below.
    SCMP_SYS(futex), SCMP_SYS(set_robust_list), SCMP_SYS(rseq), SCMP_SYS(sched_yield),
    SCMP_SYS(sched_getaffinity), SCMP_SYS(sched_setaffinity), SCMP_SYS(getcpu),
    SCMP_SYS(membarrier), SCMP_SYS(exit), SCMP_SYS(exit_group),
    // Signals.
    SCMP_SYS(rt_sigaction), SCMP_SYS(rt_sigprocmask), SCMP_SYS(rt_sigreturn), SCMP_SYS(sigaltstack),
    SCMP_SYS(restart_syscall),
    // Time; most of it never reaches the kernel.
    SCMP_SYS(clock_gettime), SCMP_SYS(clock_getres), SCMP_SYS(clock_nanosleep), SCMP_SYS(nanosleep),
    SCMP_SYS(gettimeofday), SCMP_SYS(time),
    // The TAI offset; to set a clock takes CAP_SYS_TIME, which is never kept.
    SCMP_SYS(adjtimex), SCMP_SYS(clock_adjtime),
    // Who and where we are.
    SCMP_SYS(getpid), SCMP_SYS(gettid), SCMP_SYS(getppid), SCMP_SYS(getuid), SCMP_SYS(geteuid),
    SCMP_SYS(getgid), SCMP_SYS(getegid), SCMP_SYS(capget), SCMP_SYS(uname), SCMP_SYS(sysinfo),
    SCMP_SYS(getrusage), SCMP_SYS(getrandom)};

using Argument = scmp_arg_cmp;

/// The argument, by its place, has this value.
constexpr Argument is(unsigned place, scmp_datum_t value) {
  return {.arg = place, .op = SCMP_CMP_EQ, .datum_a = value, .datum_b = 0};
}

/// Of the bits of `mask`, the argument has these and no others.
constexpr Argument has(unsigned place, scmp_datum_t mask, scmp_datum_t bits) {
  return {.arg = place, .op = SCMP_CMP_MASKED_EQ, .datum_a = mask, .datum_b = bits};
}

[[noreturn]] void refuse(int error) {
  throw Failure{ExitStatus::host_not_ready,
                {"SEC-FILTER-01", "cannot limit the program's system calls",
                 "kernel said " + describe_errno(error),
                 "security.seccomp: false    on a kernel without seccomp filters"}};
}

class Filter {
 public:
  enum class Log : std::uint8_t { no, yes };  // whether what it refuses is in the kernel's log

  /// `otherwise` is what happens to calls that are not added.
  Filter(std::uint32_t otherwise, Log log) : context_{::seccomp_init(otherwise)} {
    if (!context_) refuse(ENOMEM);
    set(SCMP_FLTATR_CTL_TSYNC, 1);
    set(SCMP_FLTATR_CTL_LOG, log == Log::yes ? 1 : 0);
    set(SCMP_FLTATR_API_SYSRAWRC, 1);
  }

  /// Calls that this machine's architecture lacks are skipped.
  void allow(int call, std::initializer_list<Argument> arguments = {}) {
    add(SCMP_ACT_ALLOW, call, arguments);
  }

  void deny(int call, int error) {
    add(SCMP_ACT_ERRNO(static_cast<std::uint16_t>(error)), call, {});
  }

  void load() const {
    if (const int error = ::seccomp_load(context_.get()); error != 0) refuse(-error);
  }

 private:
  struct Release {
    void operator()(scmp_filter_ctx context) const noexcept { ::seccomp_release(context); }
  };

  void set(scmp_filter_attr attribute, std::uint32_t value) {
    if (const int error = ::seccomp_attr_set(context_.get(), attribute, value); error != 0) {
      refuse(-error);
    }
  }

  void add(std::uint32_t action, int call, std::initializer_list<Argument> arguments) {
    const int error = ::seccomp_rule_add_array(
        context_.get(), action, call, static_cast<unsigned>(arguments.size()), arguments.begin());
    if (error != 0) refuse(-error);
  }

  std::unique_ptr<std::remove_pointer_t<scmp_filter_ctx>, Release> context_;
};

void allow_reading_files(Filter& filter) {
  constexpr auto kWriting = O_ACCMODE | O_CREAT | O_TRUNC;
  filter.allow(SCMP_SYS(openat), {has(2, kWriting, O_RDONLY)});
  filter.allow(SCMP_SYS(open), {has(1, kWriting, O_RDONLY)});
}

/// Memory is writable or executable, never both, and does not become executable later. A resolver's
/// plug-ins are mapped executable from their files.
void allow_memory(Filter& filter) {
  filter.allow(SCMP_SYS(mmap), {has(2, PROT_EXEC, 0)});
  filter.allow(SCMP_SYS(mmap),
               {has(2, PROT_WRITE | PROT_EXEC, PROT_EXEC), has(3, MAP_ANONYMOUS, 0)});
  filter.allow(SCMP_SYS(mprotect), {has(2, PROT_EXEC, 0)});
}

/// What is refused without a word, in a filter of its own: clone3, for which the C library asks at
/// each thread's start (its flags are in memory, where a filter cannot look), and unlink, by which
/// a journal would go that is empty anyway.
void refuse_silently() {
  Filter filter{SCMP_ACT_ALLOW, Filter::Log::no};
  filter.deny(SCMP_SYS(clone3), ENOSYS);  // as if there were none: the older call is taken
  filter.deny(SCMP_SYS(unlink), EPERM);
  filter.load();
}

/// Threads, not processes.
void allow_threads(Filter& filter) {
  constexpr auto kThread = CLONE_VM | CLONE_THREAD | CLONE_SIGHAND;
  filter.allow(SCMP_SYS(clone3));  // refused silently
  filter.allow(SCMP_SYS(clone), {has(0, kThread, kThread)});
  filter.allow(SCMP_SYS(prctl), {is(0, PR_SET_NAME)});
  filter.allow(SCMP_SYS(sched_getattr), {is(0, 0)});  // the slice of a thread, by itself
  filter.allow(SCMP_SYS(sched_setattr), {is(0, 0)});
  filter.allow(SCMP_SYS(tgkill), {is(0, static_cast<scmp_datum_t>(::getpid()))});  // abort()
  filter.allow(SCMP_SYS(prlimit64), {is(0, 0), is(2, 0)});                         // asks only
}

void allow_sockets(Filter& filter, const SystemCallNeeds& needs) {
  for (const int family : {AF_UNIX, AF_INET, AF_INET6}) {
    filter.allow(SCMP_SYS(socket), {is(0, static_cast<scmp_datum_t>(family))});
  }
  // A resolver asks which addresses this host has; the tap removes its filter.
  filter.allow(SCMP_SYS(socket), {is(0, AF_NETLINK), is(2, NETLINK_ROUTE)});
  if (!needs.open_interfaces) return;
  filter.allow(SCMP_SYS(socket), {is(0, AF_XDP)});
  filter.allow(SCMP_SYS(socket), {is(0, AF_PACKET)});                           // promiscuous mode
  filter.allow(SCMP_SYS(socket), {is(0, AF_NETLINK), is(2, NETLINK_GENERIC)});  // XDP features
}

/// Our maps, programs and links, by the file descriptors that we have: counters, steering, whether
/// we are still there, the way out.
void allow_own_bpf(Filter& filter, const SystemCallNeeds& needs) {
  for (const bpf_cmd command : {BPF_MAP_LOOKUP_ELEM, BPF_MAP_UPDATE_ELEM, BPF_MAP_DELETE_ELEM,
                                BPF_OBJ_GET_INFO_BY_FD, BPF_LINK_DETACH}) {
    filter.allow(SCMP_SYS(bpf), {is(0, command)});
  }
  if (needs.open_interfaces) filter.allow(SCMP_SYS(bpf), {is(0, BPF_LINK_CREATE)});
}

/// Is it a terminal; how long is the answer; what does the NIC's clock say; what is this interface,
/// and how many queues has it. Other requests write into terminals (TIOCSTI) or set up devices;
/// those of SIOCETHTOOL that do take CAP_NET_ADMIN.
void allow_asking_devices(Filter& filter, const SystemCallNeeds& needs) {
  const auto allow = [&filter](std::initializer_list<unsigned> requests) {
    for (const unsigned one : requests) filter.allow(SCMP_SYS(ioctl), {is(1, one)});
  };
  allow({TCGETS, TIOCGWINSZ, FIONREAD});
  allow({SIOCGIFINDEX, SIOCGIFNAME, SIOCETHTOOL});
  if (needs.nic_clocks) {
    filter.allow(SCMP_SYS(ftruncate));  // the journal of what was set, once it is set back
    allow({PTP_SYS_OFFSET_PRECISE, PTP_SYS_OFFSET_EXTENDED, PTP_SYS_OFFSET});
    allow({SIOCGHWTSTAMP, SIOCSHWTSTAMP});
  }
  if (needs.nic_settings) {
    filter.allow(SCMP_SYS(ftruncate));  // the journal, as above
    allow({SIOCGIFHWADDR});             // is /sys about this very interface
  }
}

}  // namespace

void limit_system_calls(const SystemCallNeeds& needs) {
  refuse_silently();
  Filter filter{SCMP_ACT_ERRNO(EPERM), Filter::Log::yes};
  for (const int call : kAlways) filter.allow(call);
  filter.allow(SCMP_SYS(unlink));  // refused silently
  allow_reading_files(filter);
  allow_memory(filter);
  allow_threads(filter);
  allow_sockets(filter, needs);
  allow_own_bpf(filter, needs);
  allow_asking_devices(filter, needs);
  if (needs.spill) filter.allow(SCMP_SYS(fallocate));
  filter.load();
}

}  // namespace valinor::app
