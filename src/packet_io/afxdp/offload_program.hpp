/// The filter on the NIC itself, from construction to destruction. It comes on top of the program
/// that steers, which runs in the driver, and goes before it.
///
/// Set-up and shutdown only, one thread.
#pragma once

#include <cstdint>

#include "base/unique_fd.hpp"
#include "packet_io/afxdp/interface.hpp"
#include "wire/match.hpp"

namespace valinor::packet_io::afxdp {

class OffloadProgram {
 public:
  /// Translates the rules for the NIC, loads and attaches the filter (see make_offload_filter for
  /// `sample`). Throws Failure: XDP-OFFLOAD-01 where the NIC or its driver runs no programs or
  /// refuses this one, CAP-ADMIN-01. The filter goes with the process, a crash included.
  OffloadProgram(const Interface& interface, const wire::MatchRules& rules, std::uint32_t sample);
  ~OffloadProgram();
  OffloadProgram(const OffloadProgram&) = delete;
  OffloadProgram& operator=(const OffloadProgram&) = delete;

 private:
  UniqueFd program_;  // translated for this very NIC; the kernel holds no other form of it
  UniqueFd link_;
};

}  // namespace valinor::packet_io::afxdp
