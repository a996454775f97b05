/// Settings of a NIC that a configuration may ask for. The defaults leave everything as it is.
#pragma once

#include <cstdint>
#include <vector>

#include "base/units.hpp"
#include "nic/ethtool.hpp"

namespace valinor::nic {

/// Which queues the NIC spreads packets over, by the hash of their flow (RSS).
enum class Spread : std::uint8_t {
  unchanged,
  served,  // those that are read
};

/// Whether interrupts are deferred while a socket is polled with preference (SO_PREFER_BUSY_POLL).
enum class Deferral : std::uint8_t { automatic, off };

/// What packets have in common that the NIC is to put on one queue.
enum class SteeredBy : std::uint8_t {
  udp_port,  // destination port, of IPv4 and IPv6
  udp4_port,
  udp6_port,
  tcp_port,
  tcp4_port,
  tcp6_port,
  ip_protocol,  // of IPv4
  ethertype,
};

struct SteeringConfig {
  SteeredBy by = SteeredBy::udp_port;
  std::uint16_t number = 0;  // the port, protocol or Ethernet type
  QueueId queue;

  friend bool operator==(const SteeringConfig&, const SteeringConfig&) = default;
};

struct NicConfig {
  std::uint32_t channels = 0;  // that receive and send; 0: as many as there are
  HardwareRings rings;         // 0: as large as it is
  Spread spread = Spread::unchanged;
  Deferral deferral = Deferral::automatic;
  std::vector<SteeringConfig> steer;
};

}  // namespace valinor::nic
