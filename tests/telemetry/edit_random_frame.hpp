/// Random packets for the tests of edits, and checksums computed the plain way.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <random>
#include <vector>

#include "telemetry/edit/editable_frame.hpp"
#include "telemetry/edit/insert.hpp"
#include "telemetry/record.hpp"

namespace valinor::test {

using Random = std::mt19937;
using Frame = std::vector<std::byte>;

inline constexpr std::array kAllLayouts{
    telemetry::p4netintel::Layout::discrete, telemetry::p4netintel::Layout::depth_only,
    telemetry::p4netintel::Layout::standard, telemetry::p4netintel::Layout::full};

inline constexpr std::uint32_t kNoLimit = 0xffffffff;

/// Room for 20 traces of the longest layout: more than XDP's 256 bytes, for the largest stacks.
inline constexpr std::uint32_t kDeepHeadroom = 4 + telemetry::kMaxTracesBytes + 18;

[[nodiscard]] inline wire::Link link_of(const Frame& frame) { return *wire::parse_link(frame); }

[[nodiscard]] inline std::size_t below(Random& random, std::size_t limit) {
  return std::uniform_int_distribution<std::size_t>{0, limit - 1}(random);
}

/// RFC 1071 word by word; shares nothing with wire/checksum.
inline std::uint16_t plain_checksum(const std::vector<std::byte>& bytes) {
  unsigned long sum = 0;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    sum += std::to_integer<unsigned long>(bytes[i]) << (i % 2 == 0 ? 8 : 0);
  }
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<std::uint16_t>(~sum);
}

inline void put_16(Frame& frame, std::size_t at, std::size_t value) {
  frame[at] = static_cast<std::byte>(value >> 8);
  frame[at + 1] = static_cast<std::byte>(value);
}

inline std::size_t get_16(const Frame& frame, std::size_t at) {
  return std::to_integer<std::size_t>(frame[at]) << 8 | std::to_integer<std::size_t>(frame[at + 1]);
}

struct RandomPacket {
  Frame frame;
  std::size_t ip_at = 0;
  std::size_t transport_at = 0;
  std::size_t ip_end = 0;  // padding follows
  bool is_udp = false;
  bool is_v6 = false;

  [[nodiscard]] std::size_t checksum_at() const { return transport_at + (is_udp ? 6 : 16); }

  /// Pseudo-header, then the transport part as it stands in `of`, from which the link layer or
  /// telemetry in front may differ: `of_ip_at` is where its IP header starts.
  [[nodiscard]] std::vector<std::byte> covered(const Frame& of, std::size_t of_ip_at,
                                               bool pseudo_header_only = false) const {
    const auto start = of.begin() + static_cast<std::ptrdiff_t>(of_ip_at);
    const std::size_t transport_bytes = ip_end - transport_at;
    std::vector<std::byte> bytes{start + (is_v6 ? 8 : 12), start + (is_v6 ? 40 : 20)};
    for (const std::size_t value : {transport_bytes, std::size_t{is_udp ? 17u : 6u}}) {
      bytes.push_back(static_cast<std::byte>(value >> 8));
      bytes.push_back(static_cast<std::byte>(value));
    }
    if (!pseudo_header_only) {
      bytes.insert(bytes.end(), start + static_cast<std::ptrdiff_t>(transport_at - ip_at),
                   start + static_cast<std::ptrdiff_t>(ip_end - ip_at));
    }
    return bytes;
  }

  /// Whether every checksum of the packet that starts at `of_ip_at` adds up.
  [[nodiscard]] bool checksums_hold(const Frame& of, std::size_t of_ip_at) const {
    if (!is_v6) {
      const auto start = of.begin() + static_cast<std::ptrdiff_t>(of_ip_at);
      if (plain_checksum({start, start + static_cast<std::ptrdiff_t>(transport_at - ip_at)}) != 0) {
        return false;
      }
    }
    if (is_udp && !is_v6 && get_16(of, of_ip_at + checksum_at() - ip_at) == 0) return true;
    return plain_checksum(covered(of, of_ip_at)) == 0;
  }

  /// Writes the checksum that belongs there.
  void finish_checksum() {
    put_16(frame, checksum_at(), 0);
    std::size_t checksum = plain_checksum(covered(frame, ip_at));
    if (checksum == 0 && is_udp) checksum = 0xffff;
    put_16(frame, checksum_at(), checksum);
  }

  /// Leaves it as Linux does where a NIC is to finish it.
  void leave_checksum_unfinished() {
    put_16(frame, checksum_at(),
           static_cast<std::uint16_t>(~plain_checksum(covered(frame, ip_at, true))));
  }
};

/// Ethernet, 0 to 2 tags, IPv4 with options or IPv6 with extension headers, UDP or TCP with
/// options, 0 to 1400 bytes of payload, sometimes padded to Ethernet's minimum or beyond.
inline RandomPacket random_packet(Random& random, bool is_v6 = false) {
  RandomPacket packet;
  packet.is_v6 = is_v6;
  Frame& frame = packet.frame;
  const auto append_random = [&](std::size_t count) {
    for (; count > 0; --count) frame.push_back(static_cast<std::byte>(random()));
  };
  const auto append_16 = [&](std::size_t value) {
    frame.resize(frame.size() + 2);
    put_16(frame, frame.size() - 2, value);
  };

  append_random(12);
  for (std::size_t tags = below(random, 3); tags > 0; --tags) {
    append_16(below(random, 2) == 0 ? 0x8100 : 0x88a8);
    append_random(2);
  }
  append_16(is_v6 ? 0x86dd : 0x0800);

  packet.ip_at = frame.size();
  packet.is_udp = below(random, 2) == 0;
  const std::size_t protocol = packet.is_udp ? 17 : 6;
  if (is_v6) {
    append_16(0x6000);
    append_random(2);
    frame.resize(frame.size() + 4);
    append_random(32);
    std::size_t next_header_at = packet.ip_at + 6;
    frame[packet.ip_at + 7] = std::byte{64};
    for (std::size_t extensions = below(random, 3); extensions > 0; --extensions) {
      const std::size_t words = below(random, 3);
      frame[next_header_at] = std::byte{60};  // destination options, of padding
      next_header_at = frame.size();
      frame.resize(frame.size() + 8 + words * 8);
      frame[next_header_at + 1] = static_cast<std::byte>(words);
      frame[next_header_at + 2] = std::byte{1};  // PadN
      frame[next_header_at + 3] = static_cast<std::byte>(4 + words * 8);
    }
    frame[next_header_at] = static_cast<std::byte>(protocol);
  } else {
    const std::size_t words = 5 + (below(random, 2) == 0 ? 0 : below(random, 11));
    frame.push_back(static_cast<std::byte>(0x40 | words));
    append_random(1);
    append_16(0);  // length
    append_random(2);
    append_16(below(random, 2) == 0 ? 0x4000 : 0);
    frame.push_back(std::byte{64});
    frame.push_back(static_cast<std::byte>(protocol));
    append_16(0);  // checksum
    append_random(8);
    for (std::size_t i = 20; i < words * 4; ++i) frame.push_back(std::byte{1});  // no-operation
  }

  packet.transport_at = frame.size();
  append_random(4);  // ports
  if (packet.is_udp) {
    frame.resize(frame.size() + 4);
  } else {
    append_random(8);
    const std::size_t words = 5 + (below(random, 2) == 0 ? 0 : below(random, 11));
    append_16(words << 12 | 0x10);
    append_random(2);
    frame.resize(frame.size() + 4);
    for (std::size_t i = 20; i < words * 4; ++i) frame.push_back(std::byte{1});
  }
  append_random(below(random, 2) == 0 ? below(random, 20) : below(random, 1401));
  packet.ip_end = frame.size();

  if (packet.is_udp) put_16(frame, packet.transport_at + 4, packet.ip_end - packet.transport_at);
  if (is_v6) {
    put_16(frame, packet.ip_at + 4, packet.ip_end - packet.ip_at - 40);
  } else {
    put_16(frame, packet.ip_at + 2, packet.ip_end - packet.ip_at);
    const auto start = frame.begin() + static_cast<std::ptrdiff_t>(packet.ip_at);
    put_16(
        frame, packet.ip_at + 10,
        plain_checksum({start, frame.begin() + static_cast<std::ptrdiff_t>(packet.transport_at)}));
  }
  packet.finish_checksum();

  const std::size_t padding = below(random, 3);
  if (padding == 1 && frame.size() < 60) append_random(60 - frame.size());
  if (padding == 2) append_random(below(random, 9));
  return packet;
}

/// A trace of random bytes, its chain left to the insertion.
inline std::vector<std::byte> random_traces(Random& random, telemetry::p4netintel::Layout layout,
                                            std::size_t traces) {
  std::vector<std::byte> bytes(traces * telemetry::p4netintel::trace_bytes(layout));
  for (auto& byte : bytes) byte = static_cast<std::byte>(random());
  return bytes;
}

/// A hop that survives encoding and decoding.
inline telemetry::HopRecord random_hop(Random& random, telemetry::p4netintel::Layout layout) {
  telemetry::HopRecord hop;
  telemetry::p4netintel::decode_trace(layout, random_traces(random, layout, 1).data(), hop);
  return hop;
}

/// A frame in an allocation of exactly its headroom and its length, so that the address sanitizer
/// sees every step outside; the headroom holds something.
class Room {
 public:
  explicit Room(const Frame& frame, std::uint32_t headroom = 256)
      : memory_(headroom + frame.size(), std::byte{0xee}) {
    std::copy(frame.begin(), frame.end(), memory_.begin() + headroom);
    editable = {.data = memory_.data() + headroom,
                .bytes = static_cast<std::uint32_t>(frame.size()),
                .headroom = headroom};
    before_ = memory_;
    editable_before_ = editable;
  }

  /// Nothing has changed since it was built, headroom included.
  [[nodiscard]] bool untouched() const {
    return memory_ == before_ && editable.data == editable_before_.data &&
           editable.bytes == editable_before_.bytes &&
           editable.headroom == editable_before_.headroom;
  }
  [[nodiscard]] Frame frame() const { return {editable.data, editable.data + editable.bytes}; }
  [[nodiscard]] bool is_within_itself() const {
    return editable.data - editable.headroom == memory_.data() &&
           editable.headroom + editable.bytes == memory_.size();
  }

  telemetry::EditableFrame editable;

 private:
  std::vector<std::byte> memory_, before_;
  telemetry::EditableFrame editable_before_;
};

/// The stack of a frame whose layout is known.
inline telemetry::p4netintel::Stack locate(const Frame& frame, telemetry::p4netintel::Layout layout,
                                           DropReason& reason) {
  telemetry::p4netintel::Stack stack;
  const auto link = wire::parse_link(frame);
  reason =
      telemetry::p4netintel::locate(wire::Bytes{frame}.subspan(link->bytes), layout, layout, stack);
  return stack;
}

}  // namespace valinor::test
