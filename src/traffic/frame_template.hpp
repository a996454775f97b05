/// Telemetry frames to send: built once for each flow, then copied and numbered.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "telemetry/format/p4netintel.hpp"
#include "telemetry/record.hpp"
#include "traffic/stamp.hpp"
#include "wire/headers.hpp"

namespace valinor::traffic {

/// UDP port that all packets go to.
inline constexpr std::uint16_t kDestinationPort = 1234;

struct FrameConfig {
  telemetry::Format format = telemetry::Format::p4netintel;
  telemetry::p4netintel::Layout layout = telemetry::p4netintel::Layout::full;
  std::uint16_t hops = 3;           // P4NetIntel traces
  bool int_host = false;            // P4NetIntel: with the end host's times
  std::uint32_t flows = 1;          // at least 1
  std::uint16_t payload_bytes = 4;  // behind the RPC id (P4NetIntel) or the inner UDP header
  bool stamped = false;             // a Stamp more behind that, made an even number of bytes
  wire::MacAddress destination{};
  wire::MacAddress source{};
  std::uint32_t seed = 1;  // varies addresses' ports and the hops' numbers
};

/// What the generator means a packet of that flow to say: of switch `index`, 0 for the newest; of a
/// Valinor-N packet, which has one, enqueue_time and queue_delay.
[[nodiscard]] telemetry::HopRecord meant_hop(const FrameConfig& config, std::uint32_t flow,
                                             std::uint32_t index);
/// ... of who sent it to whom.
[[nodiscard]] telemetry::FlowKey meant_flow(std::uint32_t flow) noexcept;
/// ... of P4NetIntel's int_host, the time.
[[nodiscard]] constexpr std::uint64_t meant_host_time_ns(std::uint32_t flow) noexcept {
  return 1000 + std::uint64_t{flow};
}

/// Flow f goes from 10.1.x.y to 10.2.0.1 over UDP; packet number n is of flow n mod flows, so
/// that number, flow and content follow from each other. One thread.
class FrameTemplates {
 public:
  explicit FrameTemplates(const FrameConfig& config);

  /// Bytes of each frame.
  [[nodiscard]] std::size_t frame_bytes() const noexcept { return frame_bytes_; }

  [[nodiscard]] std::uint32_t flows() const noexcept { return flows_; }

  /// Writes packet `number` to `out`, which holds frame_bytes(). P4NetIntel carries number + 1 as
  /// RPC id (the low 32 bits, 0 left out), Valinor-N carries `switch_time_ns` as its ingress time.
  /// `stamp`: of packets that are stamped.
  void write(std::uint64_t number, std::uint64_t switch_time_ns, std::span<std::byte> out,
             const Stamp& stamp = {}) const noexcept;

  /// For senders that write the frames themselves: where a frame has what write() changes; 0: it
  /// has none. The checksum, which covers the RPC id, is not complemented yet in of_flow(). Not of
  /// stamped packets.
  struct Offsets {
    std::size_t rpc_id = 0;       // 4 bytes
    std::size_t checksum = 0;     // of UDP
    std::size_t switch_time = 0;  // 6 bytes
  };
  [[nodiscard]] Offsets offsets() const noexcept;
  /// frame_bytes(), before write() has changed them.
  [[nodiscard]] std::span<const std::byte> of_flow(std::uint32_t flow) const noexcept {
    return std::span{frames_}.subspan(flow * frame_bytes_, frame_bytes_);
  }

 private:
  [[nodiscard]] std::vector<std::byte> build(const FrameConfig& config, std::uint32_t flow) const;

  telemetry::Format format_;
  std::uint32_t flows_;
  bool stamped_;
  std::size_t frame_bytes_ = 0;
  std::size_t number_offset_ = 0;    // of what write() changes: RPC id, or Valinor-N's header
  std::size_t checksum_offset_ = 0;  // of the UDP checksum that covers the RPC id; 0: none does
  std::vector<std::byte> frames_;    // one after another
};

}  // namespace valinor::traffic
