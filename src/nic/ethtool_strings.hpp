/// Names that the kernel or the driver gives to numbered switches (ETHTOOL_GSTRINGS).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "nic/device.hpp"

namespace valinor::nic {

/// The names of one set (ETH_SS_FEATURES, ETH_SS_PRIV_FLAGS), by their number; empty: no such set.
[[nodiscard]] std::vector<std::string> ethtool_strings(const Device& device, std::uint32_t set);

}  // namespace valinor::nic
