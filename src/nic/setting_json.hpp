/// Settings as JSON, the form they have in an undo journal: {"channels": {"combined": 8, ...}}
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>

#include "nic/setting.hpp"

namespace valinor::nic {

[[nodiscard]] nlohmann::json to_json(const Setting& setting);

/// Nothing where it is none of ours.
[[nodiscard]] std::optional<Setting> setting_from_json(const nlohmann::json& json);

}  // namespace valinor::nic
