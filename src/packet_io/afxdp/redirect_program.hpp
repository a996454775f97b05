/// The XDP program on one interface: it hands telemetry to the sockets, all else to the stack.
///
///   construct            loads it; the rules cannot change any more. Of the object's three
///                        programs it is the one that tells what is wished, and no more
///   attach(interface)    the program runs and passes everything on: no socket is known yet
///   steer(queue, fd)...  from here on that socket receives
///   unsteer()            from here on nothing more arrives
///   destructor           detaches; so does the kernel when we crash (the program hangs on a
///                        bpf_link)
///
/// An interface that was removed takes the program off itself. When one of its name is there again,
/// attach() and steer() do as at first, without any privilege but the sockets'; only what the NIC
/// says of frames is then not told, as that program was the lost NIC's.
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

struct bpf_program;
struct redirect_bpf;  // bpftool's skeleton

namespace valinor::packet_io::afxdp {

enum class AttachMode : std::uint8_t {
  native,   // in the driver, before the kernel makes a socket buffer
  generic,  // behind it: any NIC, several times the cost
};

/// What the program decided about the frames it saw, indexed by valinor_decision.
struct Decisions {
  std::array<std::uint64_t, VALINOR_DECISIONS> frames{};

  /// Frames left to the host's stack.
  [[nodiscard]] std::uint64_t passed() const noexcept {
    return frames[VALINOR_NOT_TELEMETRY] + frames[VALINOR_TRUNCATED] + frames[VALINOR_NO_SOCKET];
  }
  /// Every frame that the program saw.
  [[nodiscard]] std::uint64_t total() const noexcept {
    return std::accumulate(frames.begin(), frames.end(), std::uint64_t{0});
  }
};

/// The codes of the Failures that say: not in this mode on this interface, and: not this program.
inline constexpr const char* kAttachRefused = "XDP-ATTACH-01";
inline constexpr const char* kLoadRefused = "XDP-LOAD-01";

class RedirectProgram {
 public:
  /// Loads the program for queues 0 to `queues` - 1. With `wishes`, it writes a header in front of
  /// each frame; what the kernel cannot ask is left out. Where they need the driver, the program is
  /// for `device` only, in native mode. Throws Failure: CAP-BPF-01, XDP-LOAD-01 (also where the
  /// driver tells nothing). `takes_fragments`: packets of several buffers, of which the rules look
  /// at the first; Linux 5.18.
  RedirectProgram(const wire::MatchRules& rules, OtherTraffic other, std::uint32_t queues,
                  const RxMetadataWishes& wishes = {}, InterfaceIndex device = {},
                  bool takes_fragments = false);
  ~RedirectProgram();
  RedirectProgram(const RedirectProgram&) = delete;
  RedirectProgram& operator=(const RedirectProgram&) = delete;

  /// Throws Failure: XDP-OTHER-01 (a program is there already), XDP-ATTACH-01 (the driver
  /// refuses), CAP-ADMIN-01. May be tried again in the other mode; may change what tells() says.
  void attach(const Interface& interface, AttachMode mode);

  /// Gives the queue's telemetry to an AF_XDP socket. It must be bound to that very queue: frames
  /// for another queue's socket vanish, and the kernel counts them nowhere.
  void steer(QueueId queue, int xsk_fd);

  /// Takes all sockets out. On return no frame is on its way to one.
  void unsteer() noexcept;

  /// Unsteers and takes the program off the interface; the counters stay.
  void detach() noexcept;

  /// Whether it is on the interface still: that may have been removed, or somebody may have taken
  /// the program off by force.
  [[nodiscard]] bool is_attached() const noexcept;

  /// Summed over all CPUs.
  [[nodiscard]] Decisions decisions() const;

  /// Set by the program from the first frame on that it gave to a socket without a header; null
  /// where no frame has any. Lives as long as this.
  [[nodiscard]] const std::uint32_t* headerless() const noexcept;

  /// What the program writes into headers.
  [[nodiscard]] const RxMetadataWishes& tells() const noexcept { return tells_; }

  /// For BPF_PROG_TEST_RUN.
  [[nodiscard]] int fd() const noexcept;

 private:
  struct Unload {
    void operator()(redirect_bpf* skeleton) const noexcept;
  };

  [[nodiscard]] bpf_program* program_that_tells(const RxMetadataWishes& wishes) const noexcept;

  RxMetadataWishes tells_;
  InterfaceIndex device_;  // for which alone the program is that asks the driver
  std::unique_ptr<redirect_bpf, Unload> skeleton_;
  UniqueFd link_;
  std::vector<QueueId> steered_;
};

}  // namespace valinor::packet_io::afxdp
