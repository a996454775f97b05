/// What the kernel says of a network interface, as far as AF_XDP needs to know it. Set-up only.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/units.hpp"

namespace valinor::packet_io::afxdp {

/// What to do about any missing capability.
inline constexpr const char* kRunPrivileged =
    "run as root, or with CAP_NET_RAW, CAP_NET_ADMIN, CAP_BPF and CAP_PERFMON";

/// How many queues of each direction; combined ones count in both.
struct QueueCounts {
  std::uint32_t receive = 0;
  std::uint32_t transmit = 0;
  std::uint32_t receive_maximum = 0;  // what `ethtool -L` could set
};

/// A reading; the interface may change later.
struct Interface {
  std::string name;
  InterfaceIndex index;
  std::uint32_t mtu = 0;
  std::string driver;  // "veth", "mlx5_core"; empty where it does not say
  QueueCounts queues;
};

/// Throws Failure (IF-NAME-01) that lists the interfaces there are.
[[nodiscard]] Interface find_interface(const std::string& name);

/// `wanted`, or all queues of the interface where it is empty. Throws Failure (IF-QUEUE-01) for a
/// queue that does not exist.
[[nodiscard]] std::vector<QueueId> choose_queues(const Interface& interface,
                                                 const std::vector<QueueId>& wanted);

}  // namespace valinor::packet_io::afxdp
