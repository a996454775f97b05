#include "telemetry/edit/insert.hpp"

#include <cstring>

#include "wire/be.hpp"
#include "wire/headers.hpp"

namespace valinor::telemetry {
namespace {

using p4netintel::IntHeader;
using p4netintel::IntHost;
using p4netintel::Layout;

IntHost to_wire(const HostTimes& host) noexcept {
  const bool swapped = host.order == HostByteOrder::x86;
  IntHost out;
  out.requests = swapped ? __builtin_bswap64(host.requests) : host.requests;
  out.host_time_ns = swapped ? __builtin_bswap64(host.host_time_ns) : host.host_time_ns;
  out.next_proto = p4netintel::kNextIsIpv4;
  return out;
}

/// Inserts `traces` traces, each written by `write(number, next_proto, bytes)`.
template <class Write>
EditResult insert(EditableFrame& frame, const wire::Link& link, Layout layout, std::size_t traces,
                  const HostTimes* host, std::uint32_t max_frame_bytes, Write write) noexcept {
  if (traces > p4netintel::kSwitchStackDepth) return EditResult::hop_limit;
  if (link.ethertype != wire::ethertype::kIpv4) return EditResult::not_ipv4;
  const EditResult packet = edit_detail::check_ipv4(frame, link.bytes, false);
  if (packet != EditResult::done) return packet;
  const std::size_t step = p4netintel::trace_bytes(layout);
  if (traces == 0) host = nullptr;
  const EditResult gap = edit_detail::open_gap(
      frame, link.bytes,
      sizeof(IntHeader) + traces * step + (host != nullptr ? sizeof(IntHost) : 0), max_frame_bytes);
  if (gap != EditResult::done) return gap;

  std::byte* at = frame.data + link.bytes;
  wire::store_be<2>(at - 2, p4netintel::kEthertype);
  wire::store_be<4>(at, static_cast<std::uint32_t>(traces));
  at += sizeof(IntHeader);
  const std::uint16_t behind_traces =
      host != nullptr ? p4netintel::kNextIsHost : p4netintel::kNextIsIpv4;
  for (std::size_t i = 0; i < traces; ++i, at += step) {
    write(i, i + 1 < traces ? p4netintel::kNextIsTrace : behind_traces, at);
  }
  if (host != nullptr) {
    const IntHost times = to_wire(*host);
    std::memcpy(at, &times, sizeof times);
  }
  return EditResult::done;
}

}  // namespace

EditResult insert_p4netintel(EditableFrame& frame, const wire::Link& link, Layout layout,
                             wire::Bytes traces, const std::optional<HostTimes>& host,
                             std::uint32_t max_frame_bytes) noexcept {
  const std::size_t step = p4netintel::trace_bytes(layout);
  if (traces.size() % step != 0) return EditResult::odd_traces;
  return insert(frame, link, layout, traces.size() / step, host ? &*host : nullptr, max_frame_bytes,
                [&](std::size_t number, std::uint16_t next_proto, std::byte* at) noexcept {
                  std::memcpy(at, traces.data() + number * step, step);
                  wire::store_be<2>(at + step - 2, next_proto);
                });
}

EditResult insert_hops(EditableFrame& frame, const wire::Link& link, Layout layout,
                       std::span<const HopRecord> hops, std::uint32_t max_frame_bytes) noexcept {
  return insert(frame, link, layout, hops.size(), nullptr, max_frame_bytes,
                [&](std::size_t number, std::uint16_t next_proto, std::byte* at) noexcept {
                  p4netintel::encode_trace(layout, hops[number], next_proto, at);
                });
}

std::size_t copy_traces(wire::Bytes bytes, const p4netintel::Stack& stack,
                        std::span<std::byte> out) noexcept {
  const std::size_t step = p4netintel::trace_bytes(stack.layout);
  const std::size_t before_host = stack.traces_before_host * step;
  const std::size_t all = stack.traces * step;
  if (all > out.size() || all == 0) return 0;
  std::memcpy(out.data(), bytes.data() + sizeof(IntHeader), before_host);
  if (all > before_host) {
    std::memcpy(out.data() + before_host, bytes.data() + stack.host_offset() + sizeof(IntHost),
                all - before_host);
  }
  return all;
}

}  // namespace valinor::telemetry
