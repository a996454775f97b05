/// Turns the bytes of a telemetry packet into a record, in the ring's memory.
#pragma once

#include <cstdint>
#include <optional>

#include "base/drop_reason.hpp"
#include "telemetry/decode_simple.hpp"
#include "telemetry/format/p4netintel.hpp"
#include "telemetry/record_ring.hpp"
#include "wire/match.hpp"
#include "wire/packet.hpp"
#include "wire/reader.hpp"

namespace valinor::telemetry {

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
                                  Anatomy& anatomy) noexcept {
    if (wire_bytes == frame.size()) [[likely]] {
      const bool is_simple =
          decision == wire::Decision::by_ethertype
              ? decode_simple_p4netintel(frame, forced_layout_.value_or(last_layout_),
                                         !forced_layout_, slot, anatomy)
              : decision == wire::Decision::by_ip_protocol &&
                    decode_simple_valinor_n(frame, slot, anatomy);
      if (is_simple) return DropReason::none;
    }
    return decode_any(frame, wire_bytes, decision, slot, anatomy);
  }

 private:
  /// The long way.
  DropReason decode_any(wire::Bytes frame, std::uint32_t wire_bytes, wire::Decision decision,
                        const RecordSlot& slot, Anatomy& anatomy) noexcept;
  DropReason decode_p4netintel(wire::Bytes frame, std::uint32_t wire_bytes, const RecordSlot& slot,
                               Anatomy& anatomy) noexcept;

  std::optional<p4netintel::Layout> forced_layout_;
  p4netintel::Layout last_layout_ = p4netintel::Layout::full;
};

}  // namespace valinor::telemetry
