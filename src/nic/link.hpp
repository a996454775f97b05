/// What `ip -details link show` says of an interface (RTM_GETLINK).
#pragma once

#include <cstdint>
#include <string>

#include "nic/device.hpp"

namespace valinor::nic {

struct Link {
  std::uint32_t mtu = 0;    // bytes
  bool up = false;          // switched on
  bool carrier = false;     // and connected
  std::string kind;         // "veth", "bond", "bridge", "vlan"; empty: a plain NIC
  std::string hardware;     // its name on its bus, "0000:03:00.0", "virtio0"; empty: a virtual one
  std::string tied_to;      // of a veth its other end; empty: none, or in another namespace
  std::string master;       // what it is a member of, "bond0"; empty: of nothing
  std::string master_kind;  // "bond", "team", "bridge"
  std::uint32_t rx_queues = 0, tx_queues = 0;  // that it was made with; channels() may be fewer
  std::uint64_t sent_packets =
      0;  // since it was made; veth and some drivers: redirected frames too
  // Ids of the XDP programs on it, 0: none in this mode.
  std::uint32_t xdp_generic = 0, xdp_native = 0, xdp_offloaded = 0;
};

/// Throws std::system_error where the interface is gone.
[[nodiscard]] Link link_of(const Device& device);

}  // namespace valinor::nic
