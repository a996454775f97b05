/// A setting of a NIC that can be read, written and put back: what nic::Settings changes.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "nic/device.hpp"
#include "nic/ethtool.hpp"
#include "nic/flow_rules.hpp"
#include "nic/placement.hpp"
#include "nic/timestamping.hpp"

namespace valinor::nic {

/// One offload, by the name that features() gives it.
struct FeatureState {
  std::string name;
  bool on = false;
  friend bool operator==(const FeatureState&, const FeatureState&) = default;
};

/// The queue of each hash value; empty: as the driver spreads them by itself.
struct RssTable {
  std::vector<std::uint32_t> queues;
  friend bool operator==(const RssTable&, const RssTable&) = default;
};

/// Whether the NIC has this steering rule.
struct SteeringRule {
  FlowRule rule;
  bool present = true;
  friend bool operator==(const SteeringRule& a, const SteeringRule& b) noexcept {
    return a.present == b.present && a.rule.same_as(b.rule);
  }
};

using Setting = std::variant<Channels, HardwareRings, NapiDeferral, FeatureState, RssTable,
                             SteeringRule, HardwareStamping>;

/// What the setting of the same kind (feature, rule) is now; nothing: the driver does not say.
[[nodiscard]] std::optional<Setting> read_like(const Device& device, const Setting& example);

/// 0 or the errno.
[[nodiscard]] int write(const Device& device, const Setting& setting);

/// "8 combined channels", "rx-lro on": for messages.
[[nodiscard]] std::string describe(const Setting& setting);

/// The shell command that does the same as write().
[[nodiscard]] std::string to_command(const std::string& interface, const Setting& setting);

/// Puts `queues` into every `size` entries in turn.
[[nodiscard]] RssTable spread_over(const std::vector<QueueId>& queues, std::size_t size);

}  // namespace valinor::nic
