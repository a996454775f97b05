#include "bpf/program_run.hpp"

#include <bpf/bpf.h>
#include <sys/socket.h>

#include <cerrno>

#include "base/failure.hpp"

namespace valinor::test {

std::uint32_t run_xdp(int program, std::span<const std::byte> frame) {
  bpf_test_run_opts options{};
  options.sz = sizeof options;
  options.data_in = frame.data();
  options.data_size_in = static_cast<std::uint32_t>(frame.size());
  options.repeat = 1;
  const int error = ::bpf_prog_test_run_opts(program, &options);
  if (error != 0) {
    errno = -error;
    throw_errno("run the XDP program");
  }
  return options.retval;
}

ProgramRun::ProgramRun(const wire::MatchRules& rules, bool with_socket, OtherTraffic other)
    : program_{rules, other, 1}, socket_{::socket(AF_XDP, SOCK_RAW | SOCK_CLOEXEC, 0)} {
  if (!socket_) throw_errno("open an AF_XDP socket");
  if (with_socket) program_.steer(QueueId{0}, socket_.get());
}

Verdict ProgramRun::run(std::span<const std::byte> frame) {
  const std::uint32_t action = run_xdp(program_.fd(), frame);
  const auto now = program_.decisions();
  Verdict verdict{action, VALINOR_DECISIONS};
  for (std::uint32_t i = 0; i < VALINOR_DECISIONS; ++i) {
    if (now.frames[i] == before_.frames[i] + 1) verdict.decision = i;
  }
  if (now.total() != before_.total() + 1) verdict.decision = VALINOR_DECISIONS;
  before_ = now;
  return verdict;
}

}  // namespace valinor::test
