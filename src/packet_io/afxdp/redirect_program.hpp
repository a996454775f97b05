/// The XDP program on one interface: it hands telemetry to the sockets, all else to the stack.
///
///   construct            loads it; the rules cannot change any more
///   attach(interface)    the program runs and passes everything on: no socket is known yet
///   steer(queue, fd)...  from here on that socket receives
///   unsteer()            from here on nothing more arrives
///   destructor           detaches; so does the kernel when we crash (the program hangs on a
///   bpf_link)
///
/// One thread at a time.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <numeric>
#include <vector>

#include "base/unique_fd.hpp"
#include "base/units.hpp"
#include "bpf/abi.h"
#include "packet_io/afxdp/config.hpp"
#include "packet_io/afxdp/interface.hpp"
#include "wire/match.hpp"

struct redirect_bpf;  // bpftool's skeleton

namespace valinor::packet_io::afxdp {

enum class AttachMode : std::uint8_t {
  native,   // in the driver, before the kernel makes a socket buffer
  generic,  // behind it: any NIC, several times the cost
};

/// What the program decided about the frames it saw, indexed by valinor_decision.
struct Decisions {
  std::array<std::uint64_t, VALINOR_DECISIONS> frames{};

  /// Frames given to the sockets. Each was received or is in a socket's rx_dropped or
  /// rx_ring_full.
  [[nodiscard]] std::uint64_t redirected() const noexcept {
    return std::accumulate(frames.begin(), frames.begin() + VALINOR_NOT_TELEMETRY,
                           frames[VALINOR_FORWARDED]);
  }
  /// Frames left to the host's stack.
  [[nodiscard]] std::uint64_t passed() const noexcept {
    return frames[VALINOR_NOT_TELEMETRY] + frames[VALINOR_TRUNCATED] + frames[VALINOR_NO_SOCKET];
  }
  /// Every frame that the program saw.
  [[nodiscard]] std::uint64_t total() const noexcept {
    return std::accumulate(frames.begin(), frames.end(), std::uint64_t{0});
  }
};

/// The code of the Failure that says: not in this mode on this interface.
inline constexpr const char* kAttachRefused = "XDP-ATTACH-01";

class RedirectProgram {
 public:
  /// Loads the program for queues 0 to `queues` - 1. Throws Failure: CAP-BPF-01, XDP-LOAD-01.
  RedirectProgram(const wire::MatchRules& rules, OtherTraffic other, std::uint32_t queues);
  ~RedirectProgram();
  RedirectProgram(const RedirectProgram&) = delete;
  RedirectProgram& operator=(const RedirectProgram&) = delete;

  /// Throws Failure: XDP-OTHER-01 (a program is there already), XDP-ATTACH-01 (the driver
  /// refuses), CAP-ADMIN-01. May be tried again in the other mode.
  void attach(const Interface& interface, AttachMode mode);

  /// Gives the queue's telemetry to an AF_XDP socket. It must be bound to that very queue: frames
  /// for another queue's socket vanish, and the kernel counts them nowhere.
  void steer(QueueId queue, int xsk_fd);

  /// Takes all sockets out. On return no frame is on its way to one.
  void unsteer() noexcept;

  /// Unsteers and takes the program off the interface; the counters stay.
  void detach() noexcept;

  /// Summed over all CPUs.
  [[nodiscard]] Decisions decisions() const;

  /// For BPF_PROG_TEST_RUN.
  [[nodiscard]] int fd() const noexcept;

 private:
  struct Unload {
    void operator()(redirect_bpf* skeleton) const noexcept;
  };

  std::unique_ptr<redirect_bpf, Unload> skeleton_;
  UniqueFd link_;
  std::vector<QueueId> steered_;
};

}  // namespace valinor::packet_io::afxdp
