#include "pipeline/editor.hpp"

#include <algorithm>
#include <cstring>

#include "telemetry/edit/complete_checksum.hpp"
#include "telemetry/edit/insert.hpp"
#include "telemetry/edit/push_hop.hpp"
#include "telemetry/edit/strip.hpp"
#include "telemetry/flow.hpp"
#include "wire/headers.hpp"
#include "wire/packet.hpp"

namespace valinor::pipeline {
namespace {

using packet_io::Frame;
using telemetry::EditableFrame;
using telemetry::EditResult;
using telemetry::p4netintel::Layout;

constexpr std::uint64_t kTimeBits = (std::uint64_t{1} << 48) - 1;

/// P4NetIntel's switches count microseconds in 48 bits.
std::uint64_t to_micros(HostTime time) noexcept {
  return static_cast<std::uint64_t>(time.since_epoch.count() / 1000) & kTimeBits;
}

/// The link layer of a plain IPv4 packet; nothing for anything else.
std::optional<wire::Link> ipv4_link(const Frame& frame) noexcept {
  const auto link = wire::parse_link(frame.span());
  if (!link || link->ethertype != wire::ethertype::kIpv4) return std::nullopt;
  return link;
}

telemetry::HopRecord make_hop(const HopConfig& config, HostTime now, std::uint32_t queue) noexcept {
  telemetry::HopRecord hop;
  hop.node_id = config.switch_id;
  hop.ingress_time = to_micros(now);
  hop.egress_time = hop.ingress_time;  // until finish_hop()
  hop.enqueue_time = static_cast<std::uint32_t>(hop.ingress_time);
  hop.enqueue_depth = queue;
  hop.dequeue_depth = queue;
  return hop;
}

}  // namespace

Editor::Editor(const WorkerConfig& config, RpcTable* rpcs)
    : rewrite_{config.rewrite},
      hop_{config.hop},
      source_{config.source},
      host_byte_order_{config.host_byte_order},
      rpcs_{rpcs} {}

template <class Edit>
bool Editor::apply(Frame& frame, Edit&& edit) noexcept {
  EditableFrame editable{frame.data, frame.bytes, frame.headroom};
  const EditResult result = edit(editable);
  stats_.results[static_cast<std::size_t>(result)].add(1);
  if (result != EditResult::done) return false;
  frame.wire_bytes += editable.bytes - frame.bytes;  // wraps where it shrank, and so fits again
  frame.data = editable.data;
  frame.bytes = editable.bytes;
  frame.headroom = editable.headroom;
  return true;
}

void Editor::strip(Frame& frame, const telemetry::Anatomy& anatomy) noexcept {
  if (!anatomy.has_stack) return;
  apply(frame, [&](EditableFrame& editable) {
    return telemetry::strip_p4netintel(editable, anatomy.link, anatomy.stack);
  });
}

std::optional<telemetry::TracePlace> Editor::push_hop(Frame& frame,
                                                      const telemetry::Anatomy& anatomy,
                                                      HostTime now, std::uint32_t queue,
                                                      std::uint32_t mtu) noexcept {
  if (!anatomy.has_stack) return std::nullopt;
  telemetry::TracePlace place;
  const bool done = apply(frame, [&](EditableFrame& editable) {
    return telemetry::push_hop(editable, anatomy.link, anatomy.stack, make_hop(hop_, now, queue),
                               static_cast<Layout>(hop_.collect_size), mtu + anatomy.link.bytes,
                               place);
  });
  return done ? std::optional{place} : std::nullopt;
}

std::optional<telemetry::TracePlace> Editor::insert(Frame& frame, HostTime now, std::uint32_t queue,
                                                    std::uint32_t mtu) noexcept {
  const auto link = ipv4_link(frame);
  if (!link || !is_chosen(wire::Bytes{frame.span()}.subspan(link->bytes), now)) return std::nullopt;
  const telemetry::HopRecord hop = make_hop(hop_, now, queue);
  const auto layout = static_cast<Layout>(hop_.collect_size);
  const bool done = apply(frame, [&](EditableFrame& editable) {
    return telemetry::insert_hops(editable, *link, layout, {&hop, 1}, mtu + link->bytes);
  });
  if (!done) return std::nullopt;
  last_insert_ = now;
  return telemetry::newest_trace(*link, layout);
}

bool Editor::is_chosen(wire::Bytes packet, HostTime now) noexcept {
  const wire::Ip ip = wire::parse_ip(packet, wire::ethertype::kIpv4);
  if (ip.error != wire::IpError::none || ip.fragment) return false;
  const auto contains = [](const auto& list, auto value) {
    return std::find(list.begin(), list.end(), value) != list.end();
  };
  if (!contains(source_.ip_protocols, ip.protocol)) return false;
  telemetry::FlowKey flow;
  flow.protocol = ip.protocol;
  if (!source_.dst_ports.empty() &&
      !(telemetry::read_ports(packet.subspan(ip.header_bytes), flow) &&
        contains(source_.dst_ports, flow.destination_port))) {
    return false;
  }
  if (until_next_ > 0) {
    --until_next_;
    return false;
  }
  if (last_insert_ && now - *last_insert_ < source_.gap) return false;
  until_next_ = source_.every - 1;
  return true;
}

void Editor::finish_hop(const Frame& frame, telemetry::TracePlace place, HostTime now) noexcept {
  telemetry::patch_egress_time(frame.data, place, to_micros(now));
}

void Editor::remember(const Frame& frame, const telemetry::Anatomy& anatomy,
                      const telemetry::PacketRecord& request, HostTime now) noexcept {
  if (!anatomy.has_stack) return;
  const wire::Bytes stack = wire::Bytes{frame.span()}.subspan(anatomy.link.bytes);
  const std::size_t bytes = telemetry::copy_traces(stack, anatomy.stack, traces_);
  if (bytes == 0 && anatomy.stack.traces != 0) return;  // more than the switches stack
  rpcs_->remember({request.flow, request.rpc_id}, anatomy.stack.layout, {traces_.data(), bytes},
                  now);
}

bool Editor::answer(Frame& frame, HostTime now, std::uint32_t mtu,
                    const telemetry::RecordSlot& slot) noexcept {
  const auto link = ipv4_link(frame);
  if (!link) return false;
  telemetry::PacketRecord& record = *slot.packet;
  RpcKey key;
  if (!telemetry::read_rpc(wire::Bytes{frame.span()}.subspan(link->bytes), key.flow, key.rpc_id)) {
    return false;
  }
  const auto answer = rpcs_->answer(key, now, traces_);
  if (!answer) return false;
  const wire::Bytes traces{traces_.data(), answer->traces_bytes};
  const auto host_time = static_cast<std::uint64_t>(answer->since_first_request.count());
  const bool done = apply(frame, [&](EditableFrame& editable) {
    return telemetry::insert_p4netintel(
        editable, *link, answer->layout, traces,
        telemetry::HostTimes{answer->requests, host_time, host_byte_order_}, mtu + link->bytes);
  });
  if (!done) return false;

  record.format = telemetry::Format::p4netintel;
  record.layout = static_cast<std::uint8_t>(answer->layout);
  record.flags = telemetry::flag::kRpcId | telemetry::flag::kHostTime | telemetry::flag::kHostPair;
  record.flow = key.flow;
  record.rpc_id = key.rpc_id;
  record.host_requests = answer->requests;
  record.host_time_ns = host_time;
  record.packet_bytes = frame.bytes;
  record.hops_claimed = static_cast<std::uint16_t>(answer->traces);
  record.hop_count = std::min(record.hops_claimed, slot.max_hops);
  if (record.hop_count < record.hops_claimed) record.flags |= telemetry::flag::kHopsCut;
  telemetry::p4netintel::decode_traces(answer->layout, traces.data(),
                                       {slot.hops, record.hop_count});
  return true;
}

void Editor::complete_checksum(Frame& frame, bool by_nic,
                               std::span<const wire::Bytes> rest) noexcept {
  const auto link = wire::parse_link(frame.span());
  if (!link) return;
  const auto unfinished = by_nic && rest.empty()
                              ? telemetry::find_unfinished_checksum(frame.span(), link->bytes)
                              : std::nullopt;
  if (unfinished) {
    frame.checksum_start = unfinished->start;
    frame.checksum_offset = unfinished->offset;
    stats_.checksums_completed.add(1);
  } else if (telemetry::complete_checksum(frame.span(), link->bytes, rest)) {
    stats_.checksums_completed.add(1);
  }
}

void Editor::rewrite_macs(const Frame& frame) const noexcept {
  if (frame.bytes < sizeof(wire::EthernetHeader)) return;
  if (rewrite_.destination) {
    std::memcpy(frame.data, rewrite_.destination->data(), rewrite_.destination->size());
  }
  if (rewrite_.source) {
    std::memcpy(frame.data + rewrite_.source->size(), rewrite_.source->data(),
                rewrite_.source->size());
  }
}

}  // namespace valinor::pipeline
