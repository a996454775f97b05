/// The BPF program of the tap on its interfaces, and the ring buffers that it writes to.
///
///   construct     loaded and attached; packets pass it, and it neither counts nor records them
///   enable()      from here on every packet that leaves is counted, and described in the ring
///                 buffer of its CPU or counted as overflow
///   disable()     on return the ring buffers are complete
///   destructor    detaches; with tcx so does the kernel when we crash
///
/// One thread at a time; counts() any.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/unique_fd.hpp"
#include "bpf/abi.h"
#include "tap/attachment.hpp"
#include "tap/config.hpp"

struct egress_tap_bpf;  // bpftool's skeleton

namespace valinor::tap {

/// packets = those described in the ring buffers + overflow
struct TapCounts {
  std::uint64_t packets = 0;   // that left, segments of super-packets counted one by one
  std::uint64_t overflow = 0;  // not described, because the ring buffer was full
  std::uint64_t bytes = 0;     // of all packets, as on the wire without FCS

  friend bool operator==(const TapCounts&, const TapCounts&) = default;
};

class TapProgram {
 public:
  /// Needs CAP_BPF and CAP_NET_ADMIN. Throws Failure: IF-NAME-01, CAP-BPF-01, CAP-ADMIN-01,
  /// TAP-LOAD-01, TAP-ATTACH-01, TAP-BUSY-01.
  explicit TapProgram(const TapConfig& config);
  ~TapProgram();
  TapProgram(const TapProgram&) = delete;
  TapProgram& operator=(const TapProgram&) = delete;

  void enable() noexcept;
  void disable() noexcept;

  /// Of each possible CPU, by its number.
  [[nodiscard]] std::vector<TapCounts> counts_of_cpus() const;

  /// Summed over all CPUs.
  [[nodiscard]] TapCounts counts() const;

  /// The ring buffer of each possible CPU.
  [[nodiscard]] const std::vector<UniqueFd>& rings() const noexcept { return rings_; }

  /// "eth0 by tcx, tun0 by clsact"
  [[nodiscard]] std::string describe() const;

  /// Whether detaching takes CAP_NET_ADMIN, as a clsact filter does: a tcx link goes by itself.
  [[nodiscard]] bool needs_net_admin_to_detach() const noexcept;

  /// For BPF_PROG_TEST_RUN.
  [[nodiscard]] int fd(bool for_ethernet) const noexcept;

 private:
  struct Unload {
    void operator()(egress_tap_bpf* skeleton) const noexcept;
  };
  struct Tapped {
    TappedInterface interface;
    Attachment attachment;
  };

  void make_rings(std::size_t bytes);

  std::unique_ptr<egress_tap_bpf, Unload> skeleton_;
  std::vector<UniqueFd> rings_;
  std::vector<Tapped> tapped_;
};

}  // namespace valinor::tap
