#include "packet_io/afxdp/rx_metadata.hpp"

#include <cstring>

#include "bpf/abi.h"
#include "wire/be.hpp"
#include "wire/headers.hpp"

namespace valinor::packet_io::afxdp {
namespace {

using Header = valinor_rx_metadata;
static_assert(sizeof(Header) == 32);

constexpr std::size_t kMacAddresses = 12;  // bytes in front of a VLAN tag
constexpr std::uint32_t kTagBytes = 4;

unsigned bits_of(const RxMetadataWishes& tells) noexcept {
  return (tells.hardware_time ? VALINOR_RX_HARDWARE_TIME : 0U) |
         (tells.driver_time ? VALINOR_RX_DRIVER_TIME : 0U) | (tells.hash ? VALINOR_RX_HASH : 0U) |
         (tells.vlan_tag ? VALINOR_RX_VLAN_TAG : 0U);
}

bool is_sound(const Header& header, const RxMetadataWishes& tells) noexcept {
  return header.magic == VALINOR_RX_MAGIC && header.version == VALINOR_RX_VERSION &&
         (header.valid & ~bits_of(tells)) == 0;
}

/// A clock beyond the year 2116 counts as none: its times could not be added to without overflow.
bool is_time(std::uint64_t nanos) noexcept { return nanos != 0 && nanos < std::uint64_t{1} << 62; }

void take_time(Frame& frame, const Header& header) noexcept {
  if ((header.valid & VALINOR_RX_HARDWARE_TIME) != 0 && is_time(header.hardware_ns)) {
    frame.stamp = Nanos{static_cast<std::int64_t>(header.hardware_ns)};
    frame.stamped_by = ArrivalStamp::hardware;
  } else if ((header.valid & VALINOR_RX_DRIVER_TIME) != 0 && is_time(header.driver_ns)) {
    frame.stamp = Nanos{static_cast<std::int64_t>(header.driver_ns)};
    frame.stamped_by = ArrivalStamp::driver;
  }
}

/// The tag goes behind the two MAC addresses, which move up by its length.
bool put_tag_back(Frame& frame, const Header& header) noexcept {
  const auto protocol = wire::load_be<2>(reinterpret_cast<const std::byte*>(&header.vlan_protocol));
  const bool is_tag = protocol == wire::ethertype::kVlan || protocol == wire::ethertype::kQinq;
  if (!is_tag || frame.bytes < kMacAddresses) return false;
  frame.data -= kTagBytes;
  std::memmove(frame.data, frame.data + kTagBytes, kMacAddresses);
  wire::store_be<2>(frame.data + kMacAddresses, protocol);
  wire::store_be<2>(frame.data + kMacAddresses + sizeof protocol, header.vlan_control);
  frame.bytes += kTagBytes;
  frame.wire_bytes += kTagBytes;
  frame.headroom -= kTagBytes;
  return true;
}

}  // namespace

RxMetadataFound take_rx_metadata(Frame& frame, const RxMetadataWishes& tells) noexcept {
  Header header;
  if (frame.headroom < sizeof header) return {};
  std::byte* const place = frame.data - sizeof header;
  std::memcpy(&header, place, sizeof header);
  if (!is_sound(header, tells)) return {};
  std::memset(place, 0, sizeof header.magic);
  take_time(frame, header);
  if ((header.valid & VALINOR_RX_HASH) != 0) frame.flow_hash = header.hash;
  const bool tagged = (header.valid & VALINOR_RX_VLAN_TAG) != 0 && put_tag_back(frame, header);
  return {.header = true, .vlan_tag = tagged};
}

}  // namespace valinor::packet_io::afxdp
