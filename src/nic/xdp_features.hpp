/// What a driver says it can do with XDP and AF_XDP: the kernel's netdev family of generic netlink
/// (Documentation/netlink/specs/netdev.yaml), there since Linux 6.3.
#pragma once

#include <cstdint>
#include <optional>

#include "nic/device.hpp"

namespace valinor::nic {

/// Debian 12's headers do not have linux/netdev.h; these are its values.
enum class XdpAct : std::uint64_t {
  basic = 1,         // native programs may drop, pass and send back
  redirect = 2,      // and redirect: what AF_XDP needs
  ndo_xmit = 4,      // other interfaces may redirect to this one
  xsk_zerocopy = 8,  // AF_XDP without a copy
  hw_offload = 16,   // a program may run in the NIC
  rx_sg = 32,        // packets larger than one buffer
  ndo_xmit_sg = 64,
};
enum class RxMetadata : std::uint64_t { timestamp = 1, hash = 2, vlan_tag = 4 };
enum class XskFeature : std::uint64_t { tx_timestamp = 1, tx_checksum = 2, tx_launch_time = 4 };

struct XdpFeatures {
  std::uint64_t acts = 0;                        // of XdpAct
  std::optional<std::uint64_t> rx_metadata;      // of RxMetadata; nothing: kernel before 6.8
  std::optional<std::uint64_t> xsk;              // of XskFeature; nothing: kernel before 6.8
  std::optional<std::uint32_t> zc_max_segments;  // frames that a zero-copy packet may span

  [[nodiscard]] bool can(XdpAct act) const noexcept {
    return (acts & static_cast<std::uint64_t>(act)) != 0;
  }
  /// A program can ask for it; it may still have no value for a packet.
  [[nodiscard]] bool tells(RxMetadata what) const noexcept {
    return (rx_metadata.value_or(0) & static_cast<std::uint64_t>(what)) != 0;
  }
  [[nodiscard]] bool offers(XskFeature what) const noexcept {
    return (xsk.value_or(0) & static_cast<std::uint64_t>(what)) != 0;
  }
};

/// Nothing: the kernel has no such family.
[[nodiscard]] std::optional<XdpFeatures> xdp_features(const Device& device);

}  // namespace valinor::nic
