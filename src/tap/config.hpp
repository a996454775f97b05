/// What the tap needs to know of the configuration.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace valinor::tap {

/// How the program hangs on an interface. Not in the configuration: tests choose.
enum class AttachBy : std::uint8_t {
  automatic,  // tcx, or clsact where the kernel has no tcx
  tcx,        // a bpf_link of Linux 6.6 and later: gone with the process, crash included
  clsact,     // a filter of the clsact qdisc: stays after kill -9, the next start removes it
};

struct TapConfig {
  std::vector<std::string> interfaces;            // whose departing packets are timed
  bool clear_mark = false;                        // zero each packet's mark once it is recorded
  std::size_t ring_bytes = std::size_t{1} << 20;  // per CPU; a power of two of pages
  AttachBy attach = AttachBy::automatic;
};

}  // namespace valinor::tap
