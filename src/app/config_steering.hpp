/// Reads and writes interfaces[].steer, the one value that is a list of maps:
///
///   steer:
///     - {match: {proto: udp, dst_port: 5000}, queues: 2}
///     - {match: {ip_protocol: 253}, queues: 0}
///     - {match: {ethertype: 0x1212}, queues: 0}
#pragma once

#include <optional>
#include <string>

#include "app/config_value.hpp"

namespace valinor::app {

/// Nothing: told to site.problems, each rule that is wrong by itself.
[[nodiscard]] std::optional<Value> read_steering(const SchemaKey& key, const YamlNode& node,
                                                 const ValueSite& site);

/// In one line, as it would be written in a file.
[[nodiscard]] std::string steering_text(const SteeringList& rules);

/// "{proto: udp, dst_port: 5000}"
[[nodiscard]] std::string match_text(const nic::SteeringConfig& rule);

}  // namespace valinor::app
