#include "app/events.hpp"

#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <string>

#include "base/failure.hpp"

namespace valinor::app {
namespace {

using std::chrono::steady_clock;

/// SIGINTs closer together than this are one wish: timeout(1) sends it to the process and to its
/// group. People press Ctrl-C again more slowly.
constexpr std::chrono::milliseconds kOneWish{200};

steady_clock::time_point first_came;  // written before the handler is there

sigset_t stop_signals() {
  sigset_t set;
  ::sigemptyset(&set);
  ::sigaddset(&set, SIGINT);
  ::sigaddset(&set, SIGTERM);
  return set;
}

}  // namespace

Signals::Signals() {
  ::signal(SIGPIPE, SIG_IGN);  // a reader of our output that goes away must not end the run
  const sigset_t set = stop_signals();
  if (::sigprocmask(SIG_BLOCK, &set, nullptr) != 0) throw_errno("block SIGINT and SIGTERM");
  fd_ = UniqueFd{::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK)};
  if (!fd_) throw_errno("wait for SIGINT and SIGTERM");
}

std::string Signals::wait(std::chrono::milliseconds patience, int other) {
  // poll() passes over negative descriptors.
  std::array<pollfd, 2> waiting{{{fd_.get(), POLLIN, 0}, {other, POLLIN, 0}}};
  if (::poll(waiting.data(), waiting.size(), static_cast<int>(patience.count())) <= 0) return {};
  signalfd_siginfo info{};
  if (::read(fd_.get(), &info, sizeof info) != sizeof info) return {};
  return std::string{"SIG"} + ::sigabbrev_np(static_cast<int>(info.ssi_signo));
}

void Signals::exit_on_next() {
  first_came = steady_clock::now();
  struct sigaction action {};
  action.sa_flags = SA_RESTART;
  action.sa_handler = [](int) {
    if (steady_clock::now() - first_came < kOneWish) return;
    ::_exit(static_cast<int>(ExitStatus::interrupted_twice));
  };
  ::sigaction(SIGINT, &action, nullptr);
  sigset_t set;
  ::sigemptyset(&set);
  ::sigaddset(&set, SIGINT);
  ::sigprocmask(SIG_UNBLOCK, &set, nullptr);
}

}  // namespace valinor::app
