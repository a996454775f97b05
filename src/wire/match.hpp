/// Decides which frames are telemetry. The XDP program decides by the same rules in the kernel;
/// tests feed both the same frames.
#pragma once

#include <array>
#include <bitset>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "wire/packet.hpp"
#include "wire/reader.hpp"

namespace valinor::wire {

/// Limits of the kernel's rule table (bpf/abi.h); config refuses more.
inline constexpr std::size_t kMaxMatchEthertypes = 8;
inline constexpr std::size_t kMaxMatchUdpPorts = 16;

struct DscpMatch {  // matches where (dscp & mask) == value; both 6 bits, value within mask
  std::uint8_t value = 0;
  std::uint8_t mask = 0x3f;
  friend bool operator==(const DscpMatch&, const DscpMatch&) noexcept = default;
};

/// What makes a frame telemetry: any one of these.
struct MatchRules {
  std::vector<std::uint16_t> ethertypes{0x1212};     // behind up to two VLAN tags
  std::vector<std::uint8_t> ip_protocols{253, 255};  // IPv4, IPv6 behind extension headers
  std::vector<std::uint16_t> udp_dst_ports;          // unfragmented or first fragment
  std::optional<DscpMatch> dscp;                     // of TCP and UDP packets
  friend bool operator==(const MatchRules&, const MatchRules&) noexcept = default;
};

/// What was decided about a frame, and by which rule; the XDP program counts the same ones.
enum class Decision : std::uint8_t {
  by_ethertype,
  by_ip_protocol,
  by_dscp,
  by_udp_port,
  not_telemetry,  // no rule matches
  truncated,      // the frame ends, or contradicts itself, before the rules could be tried
  count_
};

[[nodiscard]] constexpr bool is_telemetry(Decision decision) noexcept {
  return decision < Decision::not_telemetry;
}

class Match {
 public:
  explicit Match(const MatchRules& rules);

  /// Tries the rules in the order of Decision; the first that holds is the answer.
  [[nodiscard]] Decision decide(Bytes frame) const noexcept {
    bool is_tagged = false;
    return decide(frame, is_tagged);
  }

  /// Tells besides whether the frame has a VLAN tag.
  [[nodiscard]] Decision decide(Bytes frame, bool& is_tagged) const noexcept {
    // Without a tag, the rules that most configurations have; the rest elsewhere.
    is_tagged = false;
    if (frame.size() < sizeof(EthernetHeader)) return Decision::truncated;
    const std::uint16_t type = load_be<2>(frame.data() + offsetof(EthernetHeader, ethertype));
    const Bytes packet = frame.subspan(sizeof(EthernetHeader));
    switch (ethertypes_[type]) {
      case Meaning::telemetry: return Decision::by_ethertype;
      case Meaning::ipv4:
        if (is_plain_ipv4(packet) &&
            ip_protocols_[load_be<1>(packet.data() + offsetof(Ipv4Header, protocol))]) {
          return Decision::by_ip_protocol;
        }
        break;
      case Meaning::tag: is_tagged = true; return decide_tagged(frame);
      case Meaning::other: break;
    }
    return decide_by_ip(packet, type);
  }

 private:
  enum class Meaning : std::uint8_t { other, telemetry, ipv4, tag };

  [[nodiscard]] Decision decide_tagged(Bytes frame) const noexcept;
  [[nodiscard]] Decision decide_by_ip(Bytes packet, std::uint16_t ethertype) const noexcept;

  // A place for each value: one look-up, however many rules there are.
  std::array<Meaning, 65536> ethertypes_{};
  std::bitset<256> ip_protocols_;
  std::bitset<65536> udp_dst_ports_;
  bool has_udp_dst_ports_;
  std::optional<DscpMatch> dscp_;
};

}  // namespace valinor::wire
