/// What the filter refuses, and that it lets through what the running program does.
#include "app/system_calls.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <linux/bpf.h>
#include <linux/sockios.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>

#include <cerrno>
#include <condition_variable>
#include <fstream>
#include <mutex>
#include <thread>

#include "base/failure.hpp"
#include "base/thread.hpp"
#include "base/unique_fd.hpp"
#include "support/in_child.hpp"

namespace valinor::app {
namespace {

using test::in_child;

void limit(const SystemCallNeeds& needs = {}) {
  ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  limit_system_calls(needs);
}

/// The name of the errno of a call that answered -1; "done" for one that did not.
std::string outcome(long answer) { return answer == -1 ? errno_name(errno) : "done"; }

struct Refused {
  const char* name;
  long (*call)();
};

void PrintTo(const Refused& one, std::ostream* out) { *out << one.name; }

bpf_attr* no_attributes() {
  static bpf_attr none;
  return &none;
}

/// A page that may be read.
void* page() { return ::mmap(nullptr, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0); }

long start_process() {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(0);
  return child;
}

// As root and without the filter none of these answers EPERM.
const Refused kRefused[] = {
    {"execve", [] { return static_cast<long>(::execl("/nosuch", "nosuch", nullptr)); }},
    {"execveat", [] { return ::syscall(SYS_execveat, -1, "/nosuch", nullptr, nullptr, 0); }},
    {"fork", [] { return start_process(); }},
    {"ptrace", [] { return ::ptrace(PTRACE_DETACH, ::getpid(), nullptr, nullptr); }},
    {"kill", [] { return static_cast<long>(::kill(::getppid(), 0)); }},
    {"process_vm_readv", [] { return ::syscall(SYS_process_vm_readv, 0x7ffffff, 0, 0, 0, 0, 0); }},
    {"pidfd_open", [] { return ::syscall(SYS_pidfd_open, 0x7ffffff, 0); }},
    {"AF_PACKET", [] { return static_cast<long>(::socket(AF_PACKET, SOCK_RAW, 0)); }},
    {"AF_XDP", [] { return static_cast<long>(::socket(AF_XDP, SOCK_RAW, 0)); }},
    {"AF_VSOCK", [] { return static_cast<long>(::socket(AF_VSOCK, SOCK_STREAM, 0)); }},
    {"listen", [] { return static_cast<long>(::listen(-1, 1)); }},
    {"write to a file", [] { return static_cast<long>(::open("/dev/null", O_WRONLY)); }},
    {"read and write", [] { return static_cast<long>(::open("/dev/null", O_RDWR)); }},
    {"create", [] { return static_cast<long>(::open("/nosuch/f", O_CREAT | O_RDONLY, 0600)); }},
    {"truncate", [] { return static_cast<long>(::open("/nosuch/f", O_TRUNC | O_RDONLY)); }},
    {"openat2", [] { return ::syscall(SYS_openat2, -1, "/nosuch", nullptr, 0); }},
    {"unlink", [] { return static_cast<long>(::unlink("/nosuch")); }},
    {"rename", [] { return static_cast<long>(::rename("/nosuch", "/nosuch2")); }},
    {"chmod", [] { return static_cast<long>(::chmod("/nosuch", 0)); }},
    {"mount", [] { return static_cast<long>(::mount("", "/nosuch", "tmpfs", 0, nullptr)); }},
    {"setuid", [] { return static_cast<long>(::syscall(SYS_setuid, -1)); }},
    {"setns", [] { return static_cast<long>(::setns(-1, CLONE_NEWNET)); }},
    {"unshare", [] { return static_cast<long>(::unshare(-1)); }},
    {"init_module", [] { return ::syscall(SYS_finit_module, -1, "", 0); }},
    {"load a BPF program",
     [] { return ::syscall(SYS_bpf, BPF_PROG_LOAD, no_attributes(), sizeof(bpf_attr)); }},
    {"make a BPF map",
     [] { return ::syscall(SYS_bpf, BPF_MAP_CREATE, no_attributes(), sizeof(bpf_attr)); }},
    {"perf_event_open", [] { return ::syscall(SYS_perf_event_open, nullptr, 0, -1, -1, 0); }},
    {"io_uring_setup", [] { return ::syscall(SYS_io_uring_setup, 0, nullptr); }},
    {"userfaultfd", [] { return ::syscall(SYS_userfaultfd, -1); }},
    {"memory both writable and executable",
     [] {
       return reinterpret_cast<long>(
           ::mmap(nullptr, 4096, PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
     }},
    {"memory that becomes executable",
     [] { return static_cast<long>(::mprotect(page(), 4096, PROT_READ | PROT_EXEC)); }},
    {"prctl", [] { return static_cast<long>(::prctl(PR_SET_DUMPABLE, 7, 0, 0, 0)); }},
    {"input to a terminal", [] { return static_cast<long>(::ioctl(-1, TIOCSTI, "x")); }},
};

class SystemCallRefused : public testing::TestWithParam<Refused> {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "needs root, whom nothing but the filter refuses";
  }
};

TEST_P(SystemCallRefused, ByTheFilterAlone) {
  EXPECT_NE(in_child([] { return outcome(GetParam().call()); }), "EPERM");
  EXPECT_EQ(in_child([] {
              limit();
              return outcome(GetParam().call());
            }),
            "EPERM");
}

INSTANTIATE_TEST_SUITE_P(Calls, SystemCallRefused, testing::ValuesIn(kRefused));

TEST(SystemCalls, ThreadsThatWereThereBeforeAreLimitedToo) {
  EXPECT_EQ(in_child([] {
              std::mutex mutex;
              std::condition_variable changed;
              bool limited = false;
              std::string seen;
              std::thread earlier{[&] {
                std::unique_lock lock{mutex};
                changed.wait(lock, [&] { return limited; });
                seen = outcome(::open("/dev/null", O_WRONLY));
              }};
              limit();
              {
                const std::lock_guard lock{mutex};
                limited = true;
              }
              changed.notify_one();
              earlier.join();
              return seen;
            }),
            "EPERM");
}

TEST(SystemCalls, ThreadsStartWithNameAndCpu) {
  EXPECT_EQ(in_child([] {
              const CpuId cpu = allowed_cpus().front();
              limit();
              std::string seen;
              std::thread{[&] {
                name_this_thread("late");
                pin_this_thread(cpu);
                std::string name;
                std::ifstream{"/proc/thread-self/comm"} >> name;
                seen = fmt::format("{} {}", name, allowed_cpus().size());
              }}.join();
              return seen;
            }),
            "late 1");
}

/// A server that somebody could connect to, made before the limit.
UniqueFd listen_on_loopback(sockaddr_in& address) {
  UniqueFd server{::socket(AF_INET, SOCK_STREAM, 0)};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = ::htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  if (::bind(server.get(), reinterpret_cast<sockaddr*>(&address), size) != 0 ||
      ::listen(server.get(), 1) != 0 ||
      ::getsockname(server.get(), reinterpret_cast<sockaddr*>(&address), &size) != 0) {
    throw_errno("listen on loopback");
  }
  return server;
}

TEST(SystemCalls, NamesAreResolvedAndConnectedTo) {
  EXPECT_EQ(in_child([] {
              sockaddr_in address{};
              const UniqueFd server = listen_on_loopback(address);
              limit();
              addrinfo wanted{};
              wanted.ai_family = AF_INET;
              wanted.ai_socktype = SOCK_STREAM;
              addrinfo* found = nullptr;
              const std::string port = std::to_string(ntohs(address.sin_port));
              const int error = ::getaddrinfo("localhost", port.c_str(), &wanted, &found);
              if (error != 0) return std::string{::gai_strerror(error)};
              const UniqueFd client{::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0)};
              const std::string text =
                  outcome(::connect(client.get(), found->ai_addr, found->ai_addrlen));
              ::freeaddrinfo(found);
              return text == "EINPROGRESS" ? "done" : text;
            }),
            "done");
}

TEST(SystemCalls, AnInterfaceCanBeOpenedAgainWhereThatIsNeeded) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root";
  EXPECT_EQ(in_child([] {
              limit({.open_interfaces = true, .nic_clocks = true});
              return outcome(::socket(AF_XDP, SOCK_RAW, 0)) + " " +
                     outcome(::socket(AF_PACKET, SOCK_RAW, 0)) + " " +
                     outcome(::open("/dev/null", O_WRONLY));
            }),
            "done done EPERM");
}

TEST(SystemCalls, SettingsOfNicsCanBePutBackWithoutOpeningFiles) {
  const auto outcome_with = [](bool nic_settings) {
    return in_child([nic_settings] {
      limit({.nic_settings = nic_settings});
      return outcome(::ioctl(-1, SIOCGIFHWADDR, nullptr)) + " " + outcome(::ftruncate(-1, 0)) +
             " " + outcome(::open("/sys/class/net/lo/gro_flush_timeout", O_WRONLY));
    });
  };
  EXPECT_EQ(outcome_with(false), "EPERM EPERM EPERM");
  EXPECT_EQ(outcome_with(true), "EBADF EBADF EPERM");
}

TEST(SystemCalls, AMistakeOfOursStillEndsTheProcessAsOne) {
  EXPECT_EQ(in_child([]() -> std::string {
              limit();
              ::signal(SIGABRT, SIG_DFL);
              std::abort();
            }),
            "killed by SIGABRT");
}

TEST(SystemCalls, SaysWhenTheKernelTakesNoFilter) {
  EXPECT_EQ(in_child([]() -> std::string {
              limit();
              limit_system_calls({});  // the first filter refuses the second
              return "two filters";
            }),
            "SEC-FILTER-01");
}

}  // namespace
}  // namespace valinor::app
