#include "telemetry/edit/editable_frame.hpp"

#include <cstring>

#include "wire/headers.hpp"

namespace valinor::telemetry::edit_detail {

EditResult open_gap(EditableFrame& frame, std::uint32_t at, std::size_t bytes,
                    std::uint32_t max_frame_bytes) noexcept {
  if (std::size_t{frame.bytes} + bytes > max_frame_bytes) return EditResult::exceeds_mtu;
  if (bytes > frame.headroom) return EditResult::no_headroom;
  std::memmove(frame.data - bytes, frame.data, at);
  frame.data -= bytes;
  frame.bytes += static_cast<std::uint32_t>(bytes);
  frame.headroom -= static_cast<std::uint32_t>(bytes);
  return EditResult::done;
}

void close_gap(EditableFrame& frame, std::uint32_t at, std::uint32_t bytes) noexcept {
  std::memmove(frame.data + bytes, frame.data, at);
  frame.data += bytes;
  frame.bytes -= bytes;
  frame.headroom += bytes;
}

EditResult check_ipv4(const EditableFrame& frame, std::uint32_t ip_offset,
                      bool fragments_allowed) noexcept {
  if (ip_offset > frame.bytes) return EditResult::cut_short;
  const wire::Bytes packet = wire::Bytes{frame.span()}.subspan(ip_offset);
  const wire::Ip ip = wire::parse_ip(packet, wire::ethertype::kIpv4);
  if (ip.error == wire::IpError::truncated) return EditResult::cut_short;
  if (ip.error == wire::IpError::malformed || ip.total_bytes < ip.header_bytes) {
    return EditResult::malformed_ip;
  }
  if (ip.total_bytes > packet.size()) return EditResult::cut_short;
  return ip.fragment && !fragments_allowed ? EditResult::fragment : EditResult::done;
}

}  // namespace valinor::telemetry::edit_detail
