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
  explicit Decoder(std::optional<p4netintel::Layout> layout) noexcept
      : forced_layout_{layout},
        guesses_{!layout},
        likely_layout_{layout.value_or(p4netintel::Layout::full)} {}

  /// Fills `slot` from `frame`, which matched by `decision`; on the wire it had `wire_bytes`, more
  /// than are here where a capture cut it. With any answer but `none` the slot holds nothing of
  /// use. `received`, `frame_bytes` and `worker` are the caller's to fill in.
  [[nodiscard]] DropReason decode(wire::Bytes frame, std::uint32_t wire_bytes,
                                  wire::Decision decision, const RecordSlot& slot,
                                  Anatomy& anatomy) noexcept {
    const auto link = wire::parse_link(frame);
    const bool is_tagged = !link || link->bytes != sizeof(wire::EthernetHeader);
    return !is_tagged && decode_simple(frame, wire_bytes, decision, slot, &anatomy)
               ? DropReason::none
               : decode_any(frame, wire_bytes, decision, slot, anatomy);
  }

  // Its two ways: the short one (decode_simple.hpp, also for what is asked of `frame` and
  // `anatomy`), which answers whether it has done it; and the long one, for all the rest.
  [[nodiscard]] bool decode_simple(wire::Bytes frame, std::uint32_t wire_bytes,
                                   wire::Decision decision, const RecordSlot& slot,
                                   Anatomy* anatomy) const noexcept {
    if (wire_bytes != frame.size()) return false;
    if (decision == wire::Decision::by_ethertype) {
      return decode_simple_p4netintel(frame, slot, anatomy, guesses_, likely_layout_);
    }
    return decision == wire::Decision::by_ip_protocol &&
           decode_simple_valinor_n(frame, slot, anatomy);
  }
  [[nodiscard]] DropReason decode_any(wire::Bytes frame, std::uint32_t wire_bytes,
                                      wire::Decision decision, const RecordSlot& slot,
                                      Anatomy& anatomy) noexcept;

 private:
  DropReason decode_p4netintel(wire::Bytes frame, std::uint32_t wire_bytes, const RecordSlot& slot,
                               Anatomy& anatomy) noexcept;

  std::optional<p4netintel::Layout> forced_layout_;
  bool guesses_;
  p4netintel::Layout likely_layout_;  // the forced one, or that of the packet before
};

}  // namespace valinor::telemetry
