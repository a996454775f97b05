/// What `ethtool` shows without an option or with -i, -l, -g, -c, --show-priv-flags, and what its
/// -L and -G set (SIOCETHTOOL; linux/ethtool.h).
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "nic/device.hpp"

namespace valinor::nic {

struct DriverInfo {
  std::string driver;    // "veth", "mlx5_core"
  std::string version;   // the kernel's, for drivers of the kernel
  std::string firmware;  // may be empty
  std::string bus;       // "0000:03:00.0"; empty for interfaces without hardware
};
[[nodiscard]] std::optional<DriverInfo> driver_info(const Device& device);

/// Megabits a second; nothing: unknown, or the link is down.
[[nodiscard]] std::optional<std::uint32_t> link_speed(const Device& device);

/// Queues. A combined one receives and transmits; most NICs have only those, veth has none.
struct Channels {
  std::uint32_t rx = 0, tx = 0, other = 0, combined = 0;

  [[nodiscard]] std::uint32_t receive() const noexcept { return rx + combined; }
  [[nodiscard]] std::uint32_t transmit() const noexcept { return tx + combined; }
  friend bool operator==(const Channels&, const Channels&) = default;
};
struct ChannelCounts {
  Channels now, most;
};
[[nodiscard]] std::optional<ChannelCounts> channels(const Device& device);

/// Descriptors of each hardware ring.
struct HardwareRings {
  std::uint32_t rx = 0, tx = 0;
  friend bool operator==(const HardwareRings&, const HardwareRings&) = default;
};
struct HardwareRingSizes {
  HardwareRings now, most;
};
[[nodiscard]] std::optional<HardwareRingSizes> hardware_rings(const Device& device);

/// How long the NIC gathers packets before it interrupts.
struct Coalescing {
  std::uint32_t rx_us = 0, rx_frames = 0, tx_us = 0, tx_frames = 0;
  bool adaptive_rx = false, adaptive_tx = false;
};
[[nodiscard]] std::optional<Coalescing> coalescing(const Device& device);

/// The driver's own switches, such as "xdp_tx_mpwqe"; empty where it has none.
[[nodiscard]] std::map<std::string, bool> private_flags(const Device& device);

/// Both answer 0 or the errno. On real NICs they stop the link for a moment.
[[nodiscard]] int set_channels(const Device& device, const Channels& wanted);
[[nodiscard]] int set_hardware_rings(const Device& device, const HardwareRings& wanted);

}  // namespace valinor::nic
