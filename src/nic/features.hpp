/// Offloads, as `ethtool -k` shows them and `ethtool -K` sets them, by the kernel's own names:
/// "rx-vlan-hw-parse", "rx-lro", "rx-gro", "rx-gro-hw", "rx-udp-gro-forwarding",
/// "rx-ntuple-filter", "tx-checksum-ip-generic".
#pragma once

#include <map>
#include <string>

#include "nic/device.hpp"

namespace valinor::nic {

struct Feature {
  bool active = false;
  bool wanted = false;      // by the administrator; not active where something it needs is off
  bool changeable = false;  // else "[fixed]"
};

[[nodiscard]] std::map<std::string, Feature> features(const Device& device);

/// Says what is wanted: 0 or the errno. EOPNOTSUPP: no such feature, or it is fixed.
[[nodiscard]] int set_feature(const Device& device, const std::string& name, bool on);

}  // namespace valinor::nic
