/// Rules of the NIC that steer packets to a queue: `ethtool -n` and `ethtool -N` (ntuple filters).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "base/units.hpp"
#include "nic/device.hpp"

namespace valinor::nic {

/// What packets have in common, and the one field by which ours are told from others.
enum class FlowKind : std::uint8_t {
  udp4,  // number is the destination port
  tcp4,
  udp6,
  tcp6,
  ip4,    // number is the IP protocol
  ether,  // number is the ethertype
  other,  // a rule of somebody else's, by other fields
};

struct FlowRule {
  FlowKind kind = FlowKind::udp4;
  std::uint16_t number = 0;
  std::optional<QueueId> queue;  // nothing: the packets are dropped, or go elsewhere
  std::uint32_t location = 0;    // where it stands in the NIC's table; set by add_flow_rule()

  /// Whether both do the same to the same packets, wherever they stand.
  [[nodiscard]] bool same_as(const FlowRule& rule) const noexcept {
    return kind == rule.kind && number == rule.number && queue == rule.queue;
  }
};

/// Nothing: the NIC has no such rules.
[[nodiscard]] std::optional<std::vector<FlowRule>> flow_rules(const Device& device);

/// Adds the rule at a place that the NIC or we find, and answers where it stands. The error's code
/// is the errno: EOPNOTSUPP (not by this field, or "rx-ntuple-filter" is off), ENOSPC.
[[nodiscard]] Result<std::uint32_t> add_flow_rule(const Device& device, const FlowRule& rule);

/// 0 or the errno; ENOENT: there is none.
[[nodiscard]] int delete_flow_rule(const Device& device, std::uint32_t location);

/// "udp4", ... as `ethtool -N DEV flow-type` wants them.
[[nodiscard]] std::string to_flow_type(FlowKind kind);

}  // namespace valinor::nic
