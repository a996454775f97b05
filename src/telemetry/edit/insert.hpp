/// The source's edit, and the host's on replies: puts telemetry in front of an IPv4 packet.
///
///   source  int_header | our trace | IPv4
///   host    int_header | the request's traces, newest first | int_host | IPv4
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "telemetry/edit/editable_frame.hpp"
#include "telemetry/record.hpp"
#include "wire/reader.hpp"

namespace valinor::telemetry {

/// The longest run of traces that is inserted: as many as the switches' stack holds.
inline constexpr std::size_t kMaxTracesBytes =
    p4netintel::kSwitchStackDepth * p4netintel::trace_bytes(p4netintel::Layout::full);

/// How int_host's two numbers are written. The specification says network order. The original
/// host program stores them as its CPU does, so its receivers want x86 order: `compat: p4netintel`.
enum class HostByteOrder : std::uint8_t { network, x86 };

struct HostTimes {
  std::uint64_t requests = 1;      // tx_reqs; the original always writes 1
  std::uint64_t host_time_ns = 0;  // time_reqs: since the request was first seen
  HostByteOrder order = HostByteOrder::network;
};

/// Inserts `traces` (as they stood on the wire, newest first, in memory that is not the frame's;
/// each next_proto is written anew) and, behind them, int_host. `max_frame_bytes` counts as
/// frame.bytes does.
///
/// Without a trace there is no int_host either: no next_proto could name it, and a receiver of
/// int_header with 0 expects IPv4 straight behind. (The original writes int_host there, which
/// nothing can parse.)
[[nodiscard]] EditResult insert_p4netintel(EditableFrame& frame, const wire::Link& link,
                                           p4netintel::Layout layout, wire::Bytes traces,
                                           const std::optional<HostTimes>& host,
                                           std::uint32_t max_frame_bytes) noexcept;

/// The same with traces of our own, newest first; newest_trace() tells where the first one stands.
[[nodiscard]] EditResult insert_hops(EditableFrame& frame, const wire::Link& link,
                                     p4netintel::Layout layout, std::span<const HopRecord> hops,
                                     std::uint32_t max_frame_bytes) noexcept;

/// Copies the traces of a located packet, newest first and without int_host, to be inserted into
/// its reply. `bytes` starts at the int_header. Answers how many bytes were written; 0, and nothing
/// written, where `out` is too small.
[[nodiscard]] std::size_t copy_traces(wire::Bytes bytes, const p4netintel::Stack& stack,
                                      std::span<std::byte> out) noexcept;

}  // namespace valinor::telemetry
