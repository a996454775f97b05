/// P4NetIntel's traces read the plain way, for comparison: a table of field widths, and a loop that
/// takes from each byte the bits that belong to the field.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "telemetry/format/p4netintel.hpp"
#include "telemetry/record.hpp"

namespace valinor::bench {

/// Takes numbers of any width off a row of bytes, most significant bit first.
class BitReader {
 public:
  explicit BitReader(const std::byte* bytes) noexcept : bytes_{bytes} {}

  /// The next `count` bits, at most 64.
  std::uint64_t take(unsigned count) noexcept {
    std::uint64_t value = 0;
    while (count != 0) {
      const unsigned in_byte = bit_ % 8;
      const unsigned taken = std::min(count, 8 - in_byte);
      const auto byte = std::to_integer<unsigned>(bytes_[bit_ / 8]);
      value = value << taken | (byte >> (8 - in_byte - taken) & ((1U << taken) - 1));
      bit_ += taken;
      count -= taken;
    }
    return value;
  }

 private:
  const std::byte* bytes_;
  unsigned bit_ = 0;
};

inline constexpr std::size_t kMostFields = 16;
using FieldValues = std::array<std::uint64_t, kMostFields>;

/// Bits of each field of a trace, in wire order; the last is next_proto.
[[nodiscard]] inline std::span<const unsigned> field_widths(
    telemetry::p4netintel::Layout layout) noexcept {
  static constexpr std::array kDiscrete{8U, 9U,  9U,  32U, 2U,  32U, 2U,
                                        2U, 48U, 64U, 64U, 48U, 8U,  16U};
  static constexpr std::array kDepthOnly{32U, 19U, 5U, 16U};
  static constexpr std::array kStandard{32U, 9U, 9U, 32U, 19U, 32U, 19U, 48U, 48U, 24U, 16U};
  static constexpr std::array kFull{32U, 9U,  9U,  32U, 19U, 32U, 19U, 48U,
                                    48U, 64U, 64U, 64U, 64U, 48U, 8U,  16U};
  static_assert(kFull.size() == kMostFields);
  switch (layout) {
    case telemetry::p4netintel::Layout::discrete: return kDiscrete;
    case telemetry::p4netintel::Layout::depth_only: return kDepthOnly;
    case telemetry::p4netintel::Layout::standard: return kStandard;
    case telemetry::p4netintel::Layout::full: return kFull;
  }
  return {};
}

/// One trace; what decode_traces() makes of it.
inline void decode_plainly(telemetry::p4netintel::Layout layout, const std::byte* trace,
                           telemetry::HopRecord& hop) noexcept {
  using telemetry::p4netintel::Layout;
  namespace field = telemetry::hop_field;
  FieldValues values;
  BitReader reader{trace};
  const auto widths = field_widths(layout);
  for (std::size_t i = 0; i < widths.size(); ++i) values[i] = reader.take(widths[i]);

  hop = {};
  hop.node_id = static_cast<std::uint32_t>(values[0]);
  if (layout == Layout::depth_only) {
    hop.enqueue_depth = static_cast<std::uint32_t>(values[1]);
    return;
  }
  hop.ingress_port = static_cast<std::uint16_t>(values[1]);
  hop.egress_port = static_cast<std::uint16_t>(values[2]);
  hop.enqueue_time = static_cast<std::uint32_t>(values[3]);
  hop.enqueue_depth = static_cast<std::uint32_t>(values[4]);
  hop.queue_delay = static_cast<std::uint32_t>(values[5]);
  hop.dequeue_depth = static_cast<std::uint32_t>(values[6]);
  hop.fields = field::kPorts | field::kEnqueueTime | field::kDequeueDepth;
  if (layout == Layout::discrete) {
    hop.previous_time = values[11];
    hop.fields |= field::kPreviousTime;
    return;
  }
  hop.ingress_time = values[7];
  hop.egress_time = values[8];
  hop.fields |= field::kTimes;
  if (layout == Layout::standard) return;
  hop.packet_bytes = values[9];
  hop.hop_latency = values[10];
  hop.packet_count = values[12];
  hop.previous_time = values[13];
  hop.fields |= field::kPacket | field::kPreviousTime;
}

}  // namespace valinor::bench
