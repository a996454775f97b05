/// P4NetIntel: traces that switches push behind the Ethernet header (cleitonputtlitz/P4NetIntel).
///
///   Ethernet, type 0x1212 | int_header | trace[0] .. trace[n-1] | [int_host] | IPv4 | UDP/TCP |
///   RPC id
///                           n: 4 bytes   newest hop first         18 bytes
///
/// The last two bytes of each trace, and of int_host, name what follows. How long a trace is
/// (the switch program's COLLECT_SIZE) stands nowhere on the wire: it is found by trying which
/// length makes that chain hold, or configured.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "base/drop_reason.hpp"
#include "telemetry/record.hpp"
#include "telemetry/record_ring.hpp"
#include "wire/be.hpp"
#include "wire/packet.hpp"
#include "wire/reader.hpp"

namespace valinor::telemetry::p4netintel {

inline constexpr std::uint16_t kEthertype = 0x1212;
inline constexpr std::uint16_t kNextIsTrace = 0x1213;
inline constexpr std::uint16_t kNextIsHost = 0x1214;
inline constexpr std::uint16_t kNextIsIpv4 = 0x0800;

/// As deep as the switches' header stack is; they add no trace beyond.
inline constexpr std::uint32_t kSwitchStackDepth = 20;

/// COLLECT_SIZE of the switch program.
enum class Layout : std::uint8_t {
  discrete = 0,    // 43 bytes; 8-bit switch id, 2-bit queue depths
  depth_only = 1,  // 9 bytes: switch id and queue depth
  standard = 2,    // 36 bytes: ports, queue, times
  full = 3,        // 72 bytes: the same, and packet counters
};
inline constexpr std::size_t kLayouts = 4;

inline constexpr std::array<std::size_t, kLayouts> kTraceBytes{43, 9, 36, 72};
[[nodiscard]] constexpr std::size_t trace_bytes(Layout layout) noexcept {
  return kTraceBytes[static_cast<std::size_t>(layout)];
}

struct IntHeader {
  wire::Be<4> traces;  // int_host is not counted
};
static_assert(sizeof(IntHeader) == 4);

struct IntHost {  // written by the end host; the x86 original stores the first two in its own order
  wire::Be<8> requests;      // tx_reqs
  wire::Be<8> host_time_ns;  // time_reqs: since the RPC id was first seen
  wire::Be<2> next_proto;
};
static_assert(sizeof(IntHost) == 18);

/// Where everything stands; offsets count from the int_header.
struct Stack {
  std::uint32_t traces = 0;
  Layout layout = Layout::full;          // means nothing with 0 traces
  std::uint32_t traces_before_host = 0;  // = traces where there is no int_host, or it comes last
  bool has_host = false;
  std::uint32_t ip_offset = 0;

  [[nodiscard]] std::uint32_t host_offset() const noexcept {
    return static_cast<std::uint32_t>(sizeof(IntHeader) + traces_before_host * trace_bytes(layout));
  }
};

/// Finds the stack that starts at `bytes` (the int_header). `first_guess` is tried first; with
/// `only`, nothing else is. The stack holds: every trace lies within `bytes`, the chain is
/// unbroken, and IPv4 follows.
[[nodiscard]] DropReason locate(wire::Bytes bytes, std::optional<Layout> only, Layout first_guess,
                                Stack& stack) noexcept;

/// Decodes as many traces as there are `hops`, of trace_bytes(layout) bytes each, at `traces`.
void decode_traces(Layout layout, const std::byte* traces, std::span<HopRecord> hops) noexcept;

/// One of them.
inline void decode_trace(Layout layout, const std::byte* trace, HopRecord& hop) noexcept {
  decode_traces(layout, trace, {&hop, 1});
}

/// Writes a trace, the inverse of decode_traces(): fields that the layout lacks are left out, those
/// wider than their place are cut to it.
void encode_trace(Layout layout, const HopRecord& hop, std::uint16_t next_proto,
                  std::byte* trace) noexcept;

}  // namespace valinor::telemetry::p4netintel
