/// Turns the bytes of a telemetry packet into a record, in the ring's memory.
#pragma once

#include <cstdint>
#include <optional>

#include "base/drop_reason.hpp"
#include "telemetry/format/p4netintel.hpp"
#include "telemetry/record_ring.hpp"
#include "wire/match.hpp"
#include "wire/packet.hpp"
#include "wire/reader.hpp"

namespace valinor::telemetry {

/// Where the parts that roles edit stand in the frame; offsets count from its first byte.
struct Anatomy {
  wire::Link link;
  p4netintel::Stack stack;  // offsets count from the end of `link`
  bool has_stack = false;   // P4NetIntel: `stack` means something
  std::uint32_t ip_offset = 0;
  std::uint32_t ports_offset = 0;  // of source and destination port; 0: the packet has none
};

/// Decoding knows nothing of earlier packets but which P4NetIntel layout came last, to try first.
/// One thread.
class Decoder {
 public:
  /// `layout` forces P4NetIntel's; without it, it is found for each packet.
  explicit Decoder(std::optional<p4netintel::Layout> layout) noexcept : forced_layout_{layout} {}

  /// Fills `slot` from `frame`, which matched by `decision`; on the wire it had `wire_bytes`, more
  /// than are here where a capture cut it. With any answer but `none` the slot holds nothing of
  /// use. `received`, `frame_bytes` and `worker` are the caller's to fill in.
  [[nodiscard]] DropReason decode(wire::Bytes frame, std::uint32_t wire_bytes,
                                  wire::Decision decision, const RecordSlot& slot,
                                  Anatomy& anatomy) noexcept;

 private:
  DropReason decode_p4netintel(wire::Bytes frame, std::uint32_t wire_bytes, const RecordSlot& slot,
                               Anatomy& anatomy) noexcept;

  std::optional<p4netintel::Layout> forced_layout_;
  p4netintel::Layout last_layout_ = p4netintel::Layout::full;
};

}  // namespace valinor::telemetry
