/// Transit's edit: adds one trace of ours to those that a packet carries.
#pragma once

#include <cstddef>
#include <cstdint>

#include "telemetry/edit/editable_frame.hpp"
#include "telemetry/record.hpp"

namespace valinor::telemetry {

/// Pushes `hop` in front of the packet's traces, in their layout, or in `layout_of_first` where
/// there are none. Refuses where a switch would not add either: with 20 traces, int_host counted
/// as one. `stack` is what p4netintel::locate() found in this frame behind `link`; after `done`,
/// `place` says where the trace stands.
[[nodiscard]] EditResult push_hop(EditableFrame& frame, const wire::Link& link,
                                  const p4netintel::Stack& stack, const HopRecord& hop,
                                  p4netintel::Layout layout_of_first, std::uint32_t max_frame_bytes,
                                  TracePlace& place) noexcept;

/// Writes the egress time (48 bits, the unit and clock of the hop's ingress time) into a trace of
/// ours, and with it what follows from it: the hop latency of layout `full`. Cheap enough for the
/// moment before the frame is handed to TX. Layouts `discrete` and `depth_only` have no egress
/// time and stay as they are.
void patch_egress_time(std::byte* frame_data, TracePlace place, std::uint64_t egress_time) noexcept;

}  // namespace valinor::telemetry
