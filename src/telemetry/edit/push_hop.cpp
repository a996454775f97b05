#include "telemetry/edit/push_hop.hpp"

#include "wire/be.hpp"

namespace valinor::telemetry {
namespace {

using p4netintel::Layout;

// Offsets in the traces of layouts `standard` and `full`.
constexpr std::size_t kIngressTime = 19;  // 48 bits
constexpr std::size_t kEgressTime = 25;   // 48 bits
constexpr std::size_t kHopLatency = 39;   // 64 bits, `full` only
constexpr std::uint64_t k48Bits = (std::uint64_t{1} << 48) - 1;

}  // namespace

EditResult push_hop(EditableFrame& frame, const wire::Link& link, const p4netintel::Stack& stack,
                    const HopRecord& hop, Layout layout_of_first, std::uint32_t max_frame_bytes,
                    TracePlace& place) noexcept {
  if (stack.traces + (stack.has_host ? 1u : 0u) >= p4netintel::kSwitchStackDepth) {
    return EditResult::hop_limit;
  }
  const EditResult packet = edit_detail::check_ipv4(frame, link.bytes + stack.ip_offset, true);
  if (packet != EditResult::done) return packet;
  const Layout layout = stack.traces != 0 ? stack.layout : layout_of_first;
  const TracePlace newest = newest_trace(link, layout);
  const EditResult gap =
      edit_detail::open_gap(frame, newest.offset, p4netintel::trace_bytes(layout), max_frame_bytes);
  if (gap != EditResult::done) return gap;
  wire::store_be<4>(frame.data + link.bytes, stack.traces + 1);
  p4netintel::encode_trace(layout, hop,
                           stack.traces != 0 ? p4netintel::kNextIsTrace : p4netintel::kNextIsIpv4,
                           frame.data + newest.offset);
  place = newest;
  return EditResult::done;
}

void patch_egress_time(std::byte* frame_data, TracePlace place,
                       std::uint64_t egress_time) noexcept {
  if (place.layout != Layout::standard && place.layout != Layout::full) return;
  std::byte* trace = frame_data + place.offset;
  wire::store_be<6>(trace + kEgressTime, egress_time);
  if (place.layout != Layout::full) return;
  const std::uint64_t ingress_time = wire::load_be<6>(trace + kIngressTime);
  wire::store_be<8>(trace + kHopLatency, (egress_time - ingress_time) & k48Bits);
}

}  // namespace valinor::telemetry
