/// One record in the form that the Valinor notebooks read: Python's struct '>QIIHIIIHH', 34 bytes
/// big-endian. In Redis it is the member of a sorted set, as 68 hex digits, with its timestamp in
/// decimal as the score:
///
///   ZADD 0 1000000123 000000003b9aca7b000012340000162e009aa09119860a0000010a00000213890050
///          ^ score    ^ timestamp     ^enqueue^delta  ^len^key    ^saddr  ^daddr  ^sport^dport
///
/// A score is a double, exact up to 2^53 ns (104 days). Redis rounds the score of a time since
/// 1970 to a multiple of 256 ns; order is still exact, because equal scores sort by member and the
/// member starts with the whole timestamp. Score::run_relative counts from the set's first record.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "exporter/config.hpp"
#include "telemetry/record.hpp"

namespace valinor::exporter {

struct ValinorEntry {
  std::uint64_t timestamp_ns = 0;      // by RecordTime: the switch's clock, or the host's
  std::uint32_t enqueue = 0;           // enqueue stamp of the copy, or of the newest hop
  std::uint32_t enqueue_delta_ns = 0;  // time in the queue; P4NetIntel: in the hop's own unit
  std::uint16_t packet_length = 0;
  std::uint32_t connection_key = 0;
  std::uint32_t source = 0;  // IPv6: a hash, see to_address32()
  std::uint32_t destination = 0;
  std::uint16_t source_port = 0;
  std::uint16_t destination_port = 0;

  friend bool operator==(const ValinorEntry&, const ValinorEntry&) = default;
};

inline constexpr std::size_t kValinorRowBytes = 34;
using ValinorRow = std::array<std::byte, kValinorRowBytes>;

/// What Valinor's tools write for a length that the switch did not know: 0 less the 4 bytes of FCS.
inline constexpr std::uint16_t kUnknownLength = 0xFFFC;

/// `hops` are the packet's, newest first. P4NetIntel fills enqueue and enqueue_delta from the
/// newest hop: its enqueue_time, or its enqueue_depth where the layout has no times
/// (COLLECT_SIZE 1); without hops both are 0. Of a packet that the tap saw leave, the connection
/// key is the kernel's hash of the flow, source is its mark, and what Valinor-H leaves out is 0.
[[nodiscard]] ValinorEntry to_entry(const telemetry::PacketRecord& packet,
                                    std::span<const telemetry::HopRecord> hops,
                                    RecordTime time = RecordTime::network_switch) noexcept;

[[nodiscard]] ValinorRow to_row(const ValinorEntry& entry) noexcept;
[[nodiscard]] ValinorEntry to_entry(std::span<const std::byte, kValinorRowBytes> row) noexcept;

/// A record of which no more is known than the entry, which to_entry() makes of it again
/// (Format::valinor_entry). The protocol is the one that gives the entry's key; 0: none does.
[[nodiscard]] telemetry::PacketRecord to_record(const ValinorEntry& entry) noexcept;

/// The timestamp of a row that to_row() made.
[[nodiscard]] inline std::uint64_t timestamp_of(const std::byte* row) noexcept {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < sizeof(value); ++i) {
    value = (value << 8) | std::to_integer<std::uint64_t>(row[i]);
  }
  return value;
}

}  // namespace valinor::exporter
