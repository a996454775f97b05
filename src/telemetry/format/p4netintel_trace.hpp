/// What the bits of P4NetIntel's traces mean, for the loops over them: format/p4netintel.cpp, and
/// decode_simple.cpp. Each reads within trace_bytes() of its layout, eight bytes at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "telemetry/format/p4netintel.hpp"
#include "telemetry/record.hpp"
#include "wire/be.hpp"

namespace valinor::telemetry::p4netintel {

/// One trace. A function for each layout, so that a loop asks once.
template <Layout kLayout>
void decode_one(const std::byte* trace, HopRecord& hop) noexcept;

/// Of a word of 64 bits, `count` from `first` on, counted from the most significant.
[[nodiscard]] constexpr std::uint32_t bits(std::uint64_t word, unsigned first,
                                           unsigned count) noexcept {
  return static_cast<std::uint32_t>(word >> (64 - first - count) & ((1ull << count) - 1));
}

inline constexpr std::uint32_t kCommonFields =
    hop_field::kPorts | hop_field::kEnqueueTime | hop_field::kDequeueDepth | hop_field::kTimes;

/// The common part of the 36- and 72-byte traces: bits 0 to 247.
[[nodiscard]] inline HopRecord decode_common(const std::byte* trace) noexcept {
  const std::uint64_t from_0 = wire::load_be<8>(trace);        // bits 0..63
  const std::uint64_t from_48 = wire::load_be<8>(trace + 6);   // bits 48..111
  const std::uint64_t from_96 = wire::load_be<8>(trace + 12);  // bits 96..159
  return {.ingress_time = wire::load_48(trace + 19),
          .egress_time = wire::load_48(trace + 25),
          .node_id = bits(from_0, 0, 32),
          .enqueue_time = bits(from_48, 50 - 48, 32),
          .queue_delay = bits(from_96, 101 - 96, 32),
          .enqueue_depth = bits(from_48, 82 - 48, 19),
          .dequeue_depth = bits(from_96, 133 - 96, 19),
          .fields = kCommonFields,
          .ingress_port = static_cast<std::uint16_t>(bits(from_0, 32, 9)),
          .egress_port = static_cast<std::uint16_t>(bits(from_0, 41, 9))};
}

template <>
inline void decode_one<Layout::discrete>(const std::byte* trace, HopRecord& hop) noexcept {
  const std::uint64_t from_0 = wire::load_be<8>(trace);       // bits 0..63
  const std::uint64_t from_56 = wire::load_be<8>(trace + 7);  // bits 56..119
  hop = {.previous_time = wire::load_48(trace + 34),
         .node_id = bits(from_0, 0, 8),
         .enqueue_time = bits(from_0, 26, 32),
         .queue_delay = bits(from_56, 60 - 56, 32),
         .enqueue_depth = bits(from_0, 58, 2),
         .dequeue_depth = bits(from_56, 92 - 56, 2),
         .fields = hop_field::kPorts | hop_field::kEnqueueTime | hop_field::kDequeueDepth |
                   hop_field::kPreviousTime,
         .ingress_port = static_cast<std::uint16_t>(bits(from_0, 8, 9)),
         .egress_port = static_cast<std::uint16_t>(bits(from_0, 17, 9))};
}

template <>
inline void decode_one<Layout::depth_only>(const std::byte* trace, HopRecord& hop) noexcept {
  const std::uint64_t word = wire::load_be<8>(trace);
  // In parts, and whole words: field by field would be twice the instructions, and one large memset
  // a `rep stos`.
  constexpr std::size_t kHalf = sizeof(HopRecord) / 2;
  std::memset(static_cast<void*>(&hop), 0, kHalf);
  std::memset(reinterpret_cast<std::byte*>(&hop) + kHalf, 0, kHalf);
  hop.node_id = bits(word, 0, 32);
  hop.enqueue_depth = bits(word, 32, 19);
}

template <>
inline void decode_one<Layout::standard>(const std::byte* trace, HopRecord& hop) noexcept {
  hop = decode_common(trace);
}

template <>
inline void decode_one<Layout::full>(const std::byte* trace, HopRecord& hop) noexcept {
  HopRecord full = decode_common(trace);
  full.packet_bytes = wire::load_be<8>(trace + 31);
  full.hop_latency = wire::load_be<8>(trace + 39);
  full.packet_count = wire::load_be<8>(trace + 55);
  full.previous_time = wire::load_48(trace + 63);
  full.fields |= hop_field::kPacket | hop_field::kPreviousTime;
  hop = full;
}

}  // namespace valinor::telemetry::p4netintel
