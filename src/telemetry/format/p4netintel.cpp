#include "telemetry/format/p4netintel.hpp"

#include <algorithm>

#include "telemetry/format/p4netintel_trace.hpp"
#include "wire/checksum.hpp"
#include "wire/headers.hpp"

namespace valinor::telemetry::p4netintel {
namespace {

using wire::Bytes;
using wire::load_be;

/// In the order of how sure a match is: the longer the trace, the less a chance hit.
constexpr std::array kByCertainty{Layout::full, Layout::standard, Layout::discrete,
                                  Layout::depth_only};

/// Follows the chain of next_proto for one layout.
DropReason follow_chain(Bytes bytes, std::uint32_t traces, Layout layout, Stack& stack) noexcept {
  const std::size_t step = trace_bytes(layout);
  if ((bytes.size() - sizeof(IntHeader)) / step < traces) return DropReason::hop_count;
  stack = {.traces = traces, .layout = layout, .traces_before_host = traces};
  std::size_t offset = sizeof(IntHeader);
  for (std::uint32_t trace = 1; trace <= traces; ++trace) {
    offset += step;
    if (offset > bytes.size()) return DropReason::truncated;  // an int_host took the room
    std::uint16_t next = load_be<2>(bytes.data() + offset - 2);
    if (next == kNextIsHost && !stack.has_host) {
      if (bytes.size() - offset < sizeof(IntHost)) return DropReason::truncated;
      stack.has_host = true;
      stack.traces_before_host = trace;
      offset += sizeof(IntHost);
      next = load_be<2>(bytes.data() + offset - 2);
    }
    if (next != (trace < traces ? kNextIsTrace : kNextIsIpv4)) return DropReason::broken_chain;
  }
  stack.ip_offset = static_cast<std::uint32_t>(offset);
  return DropReason::none;
}

DropReason check_ipv4(Bytes bytes, const Stack& stack, bool verify_checksum) noexcept {
  const Bytes packet = bytes.subspan(stack.ip_offset);
  const wire::Ip ip = wire::parse_ipv4(packet);
  if (ip.error == wire::IpError::truncated) return DropReason::truncated;
  if (ip.error == wire::IpError::malformed || ip.total_bytes < ip.header_bytes) {
    return DropReason::malformed_ip;
  }
  if (verify_checksum && !wire::ipv4_checksum_holds(packet.first(ip.header_bytes))) {
    return DropReason::malformed_ip;
  }
  return DropReason::none;
}

/// One trace alone gives a chain of a single link, which chance can forge: then the IPv4 header's
/// checksum has to confirm the guess.
DropReason try_layout(Bytes bytes, std::uint32_t traces, Layout layout, bool guessed,
                      Stack& stack) noexcept {
  const DropReason reason = follow_chain(bytes, traces, layout, stack);
  return reason != DropReason::none ? reason : check_ipv4(bytes, stack, guessed && traces == 1);
}

/// Of two failed guesses, the one that got further says more about the packet.
int distance(DropReason reason) noexcept {
  switch (reason) {
    case DropReason::hop_count: return 0;
    case DropReason::broken_chain: return 1;
    case DropReason::truncated: return 2;
    default: return 3;
  }
}

/// One loop for each layout, so that nothing is asked again for each trace.
template <Layout kLayout>
void decode_run(const std::byte* trace, std::span<HopRecord> hops) noexcept {
  for (HopRecord& hop : hops) {
    decode_one<kLayout>(trace, hop);
    trace += trace_bytes(kLayout);
  }
}

/// Puts the low `count` bits of `value` at bit `first` of a zeroed trace.
void put_bits(std::byte* trace, unsigned first, unsigned count, std::uint64_t value) noexcept {
  for (unsigned i = 0; i < count; ++i) {
    const unsigned bit = first + i;
    const auto is_set = static_cast<unsigned>(value >> (count - 1 - i) & 1);
    trace[bit / 8] |= static_cast<std::byte>(is_set << (7 - bit % 8));
  }
}

void encode_common(const HopRecord& hop, std::byte* trace) noexcept {
  put_bits(trace, 0, 32, hop.node_id);
  put_bits(trace, 32, 9, hop.ingress_port);
  put_bits(trace, 41, 9, hop.egress_port);
  put_bits(trace, 50, 32, hop.enqueue_time);
  put_bits(trace, 82, 19, hop.enqueue_depth);
  put_bits(trace, 101, 32, hop.queue_delay);
  put_bits(trace, 133, 19, hop.dequeue_depth);
  put_bits(trace, 152, 48, hop.ingress_time);
  put_bits(trace, 200, 48, hop.egress_time);
}

void encode_discrete(const HopRecord& hop, std::byte* trace) noexcept {
  put_bits(trace, 0, 8, hop.node_id);
  put_bits(trace, 8, 9, hop.ingress_port);
  put_bits(trace, 17, 9, hop.egress_port);
  put_bits(trace, 26, 32, hop.enqueue_time);
  put_bits(trace, 58, 2, hop.enqueue_depth);
  put_bits(trace, 60, 32, hop.queue_delay);
  put_bits(trace, 92, 2, hop.dequeue_depth);
  put_bits(trace, 272, 48, hop.previous_time);
}

}  // namespace

DropReason locate(Bytes bytes, std::optional<Layout> only, Layout first_guess,
                  Stack& stack) noexcept {
  const auto header = wire::Reader{bytes}.read<IntHeader>();
  if (!header) return DropReason::truncated;
  const std::uint32_t traces = header->traces.value();
  if (traces == 0) {
    stack = {.ip_offset = sizeof(IntHeader)};
    return check_ipv4(bytes, stack, false);
  }
  if (only) return try_layout(bytes, traces, *only, false, stack);
  DropReason worst = try_layout(bytes, traces, first_guess, true, stack);
  if (worst == DropReason::none) return worst;
  for (const Layout layout : kByCertainty) {
    if (layout == first_guess) continue;
    const DropReason reason = try_layout(bytes, traces, layout, true, stack);
    if (reason == DropReason::none) return reason;
    if (distance(reason) > distance(worst)) worst = reason;
  }
  // Every length that fits broke the chain: whether the chain or our list of layouts is at fault
  // cannot be told.
  return worst == DropReason::broken_chain ? DropReason::unknown_layout : worst;
}

void decode_traces(Layout layout, const std::byte* traces, std::span<HopRecord> hops) noexcept {
  switch (layout) {
    case Layout::discrete: return decode_run<Layout::discrete>(traces, hops);
    case Layout::depth_only: return decode_run<Layout::depth_only>(traces, hops);
    case Layout::standard: return decode_run<Layout::standard>(traces, hops);
    case Layout::full: return decode_run<Layout::full>(traces, hops);
  }
}

void encode_trace(Layout layout, const HopRecord& hop, std::uint16_t next_proto,
                  std::byte* trace) noexcept {
  const std::size_t size = trace_bytes(layout);
  std::fill_n(trace, size, std::byte{0});
  switch (layout) {
    case Layout::discrete: encode_discrete(hop, trace); break;
    case Layout::depth_only:
      put_bits(trace, 0, 32, hop.node_id);
      put_bits(trace, 32, 19, hop.enqueue_depth);
      break;
    case Layout::standard: encode_common(hop, trace); break;
    case Layout::full:
      encode_common(hop, trace);
      wire::store_be<8>(trace + 31, hop.packet_bytes);
      wire::store_be<8>(trace + 39, hop.hop_latency);
      wire::store_be<8>(trace + 55, hop.packet_count);
      put_bits(trace, 504, 48, hop.previous_time);
      break;
  }
  wire::store_be<2>(trace + size - 2, next_proto);
}

}  // namespace valinor::telemetry::p4netintel
