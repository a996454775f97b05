/// A frame that grows and shrinks at its front, in the memory that it was received into.
///
///   | headroom        | Ethernet, tags |          IPv4, UDP, payload ... |
///   | headroom | Ethernet, tags | inserted |      IPv4, UDP, payload ... |
///
/// Inserting or removing a header moves the few bytes in front of it, never the payload. Every
/// edit happens completely, or it says why not and has changed nothing: neither a byte nor the
/// frame's place.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "telemetry/format/p4netintel.hpp"
#include "wire/packet.hpp"

namespace valinor::telemetry {

struct EditableFrame {
  std::byte* data = nullptr;   // first byte of the Ethernet header
  std::uint32_t bytes = 0;     // length of the frame, without FCS
  std::uint32_t headroom = 0;  // bytes in front of `data` that are the frame's to grow into

  [[nodiscard]] std::span<std::byte> span() const noexcept { return {data, bytes}; }
};

/// What became of an edit; everything but `done` leaves the frame as it was.
enum class EditResult : std::uint8_t {
  done,
  not_ipv4,      // P4NetIntel carries nothing else
  malformed_ip,  // an impossible length in the IPv4 header
  fragment,      // no transport header for the switches to find
  cut_short,     // the IPv4 packet goes on behind the frame's end: a switch's copy for a monitor,
                 // or a jumbo frame in several buffers
  hop_limit,     // as many traces as the switches stack
  odd_traces,    // traces to insert that are no multiple of their layout's length
  exceeds_mtu,   // the frame would be longer than allowed
  no_headroom,   // too little room in front of the frame
  count_
};

inline constexpr std::size_t kEditResults = static_cast<std::size_t>(EditResult::count_);

/// The counter's name: "exceeds_mtu".
[[nodiscard]] constexpr std::string_view to_name(EditResult result) noexcept {
  constexpr std::array<std::string_view, kEditResults> kNames{
      "done",      "not_ipv4",   "malformed_ip", "fragment",   "cut_short",
      "hop_limit", "odd_traces", "exceeds_mtu",  "no_headroom"};
  return kNames[static_cast<std::size_t>(result)];
}

/// Where a trace of ours stands in a frame: what is needed to give it its egress time later.
struct TracePlace {
  std::uint32_t offset = 0;  // from the frame's first byte
  p4netintel::Layout layout{};
};

/// The newest trace always follows the int_header.
[[nodiscard]] constexpr TracePlace newest_trace(const wire::Link& link,
                                                p4netintel::Layout layout) noexcept {
  return {.offset = link.bytes + static_cast<std::uint32_t>(sizeof(p4netintel::IntHeader)),
          .layout = layout};
}

/// Parts of the edits below; of no use to others.
namespace edit_detail {

/// Opens a gap of `bytes` (their values are anything) in front of offset `at`.
[[nodiscard]] EditResult open_gap(EditableFrame& frame, std::uint32_t at, std::size_t bytes,
                                  std::uint32_t max_frame_bytes) noexcept;

/// Removes `bytes` at offset `at`.
void close_gap(EditableFrame& frame, std::uint32_t at, std::uint32_t bytes) noexcept;

/// Whether a whole IPv4 packet starts at `ip_offset`.
[[nodiscard]] EditResult check_ipv4(const EditableFrame& frame, std::uint32_t ip_offset,
                                    bool fragments_allowed) noexcept;

}  // namespace edit_detail

}  // namespace valinor::telemetry
