/// Packets that lie in memory, decoded as a worker does it: a burst at a time, each packet matched,
/// decoded into a record ring, the burst published. No port, no clock, no exporter.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "telemetry/decode.hpp"
#include "telemetry/record_ring.hpp"
#include "traffic/frame_template.hpp"
#include "wire/match.hpp"

namespace valinor::measure {

struct DecodeResult {
  double ns_per_packet = 0;
  double ticks_per_packet = 0;  // of the TSC
};

/// One thread.
class DecodeTrial {
 public:
  /// As many packets as there are flows, at least a burst.
  explicit DecodeTrial(const traffic::FrameConfig& frames);

  [[nodiscard]] std::size_t frame_bytes() const noexcept { return frame_bytes_; }

  /// Decodes each packet once. What is wrong with the first record that is not what the generator
  /// meant: "packet 7: hop 2"; "": all of them are.
  [[nodiscard]] std::string find_mistake();

  /// Two readings of the TSC a burst are included, under 1 ns a packet; taking the records out of
  /// the ring again is not.
  [[nodiscard]] DecodeResult run(std::chrono::nanoseconds duration);

 private:
  [[nodiscard]] std::size_t packets() const noexcept { return frames_.size() / stride_; }
  [[nodiscard]] wire::Bytes frame(std::size_t number) const noexcept {
    return {frames_.data() + number * stride_, frame_bytes_};
  }
  DropReason decode(std::size_t number) noexcept;
  [[nodiscard]] std::string judge(std::size_t number, const telemetry::RecordView& record) const;

  traffic::FrameConfig config_;
  std::size_t frame_bytes_;
  std::size_t stride_;  // from one frame to the next
  std::vector<std::byte> frames_;
  wire::Match match_;
  telemetry::Decoder decoder_;
  telemetry::RecordRing records_;
};

}  // namespace valinor::measure
