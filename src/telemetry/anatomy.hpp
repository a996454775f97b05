/// What a decoder finds out about a packet's shape, besides its record.
#pragma once

#include <cstdint>

#include "telemetry/format/p4netintel.hpp"
#include "wire/packet.hpp"

namespace valinor::telemetry {

/// Where the parts that roles edit stand in the frame; offsets count from its first byte.
struct Anatomy {
  wire::Link link;
  p4netintel::Stack stack;  // offsets count from the end of `link`
  bool has_stack = false;   // P4NetIntel: `stack` means something
  std::uint32_t ip_offset = 0;
  std::uint32_t ports_offset = 0;  // of source and destination port; 0: the packet has none
};

}  // namespace valinor::telemetry
