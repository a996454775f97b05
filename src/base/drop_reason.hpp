/// Why a frame was neither transmitted, consumed nor passed on. Each reason is one counter with
/// one name, the same in the end report, in statistics and in docs/counters.md.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace valinor {

enum class DropReason : std::uint8_t {
  none,
  // the telemetry says something that the frame does not hold
  truncated,       // the frame ends inside a header
  hop_count,       // claims more hops than the frame holds
  broken_chain,    // next_proto ends early, runs on, or names an unknown protocol
  unknown_layout,  // no trace layout fits the frame
  malformed_ip,    // no IPv4 behind the telemetry, or an impossible header
  unknown_format,  // a rule matched, yet the bytes are of no known telemetry format
  unwanted,        // not telemetry, and `other: drop`
  // between our program and the kernel
  tx_full,        // no room in the TX ring
  tx_refused,     // the device dropped the frame, or the kernel called its descriptor invalid
  tx_unfinished,  // handed to the kernel, never reported as sent before the stop
  rx_ring_full,   // the kernel found our RX ring full
  rx_no_frame,    // the kernel found no free frame, or the frame was too large for one
  rx_too_long,    // a packet of more frames of packet memory than could be sent
  count_
};

inline constexpr std::size_t kDropReasons = static_cast<std::size_t>(DropReason::count_);

/// The counter's name: "truncated". For `none`: "none".
[[nodiscard]] constexpr std::string_view to_name(DropReason reason) noexcept {
  constexpr std::array<std::string_view, kDropReasons> kNames{
      "none",          "truncated",      "hop_count",   "broken_chain", "unknown_layout",
      "malformed_ip",  "unknown_format", "unwanted",    "tx_full",      "tx_refused",
      "tx_unfinished", "rx_ring_full",   "rx_no_frame", "rx_too_long"};
  return kNames[static_cast<std::size_t>(reason)];
}

}  // namespace valinor
