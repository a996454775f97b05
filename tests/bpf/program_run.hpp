/// Runs XDP programs on single frames (BPF_PROG_TEST_RUN) and says what they decided.
#pragma once

#include <cstdint>
#include <span>

#include "base/unique_fd.hpp"
#include "packet_io/afxdp/redirect_program.hpp"

namespace valinor::test {

/// Runs any XDP program once and answers its verdict: XDP_PASS, XDP_DROP. `frame` has at least the
/// 14 bytes of an Ethernet header; the kernel runs no shorter ones. Throws std::system_error.
[[nodiscard]] std::uint32_t run_xdp(int program, std::span<const std::byte> frame);

struct Verdict {
  std::uint32_t action;    // XDP_PASS, XDP_REDIRECT
  std::uint32_t decision;  // valinor_decision; VALINOR_DECISIONS where not exactly one was counted
};

/// The program that steers, and what it decides.
class ProgramRun {
 public:
  /// With a socket in slot 0, the queue that test runs pretend to be on, if `with_socket`.
  using OtherTraffic = packet_io::afxdp::OtherTraffic;
  explicit ProgramRun(const wire::MatchRules& rules, bool with_socket = true,
                      OtherTraffic other = OtherTraffic::kernel);

  [[nodiscard]] Verdict run(std::span<const std::byte> frame);

 private:
  packet_io::afxdp::RedirectProgram program_;
  UniqueFd socket_;
  packet_io::afxdp::Decisions before_;
};

}  // namespace valinor::test
