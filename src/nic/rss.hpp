/// Which queue a packet's hash leads to: the table behind `ethtool -x` and `ethtool -X`.
#pragma once

#include <cstdint>
#include <vector>

#include "nic/device.hpp"

namespace valinor::nic {

/// The queue of each hash value; empty: the NIC has no such table.
[[nodiscard]] std::vector<std::uint32_t> rss_table(const Device& device);

/// Whether hash values are spread evenly over all of `queues`, as drivers do it by themselves: one
/// by one (the kernel's default) or block by block (igb).
[[nodiscard]] bool is_default_rss(const std::vector<std::uint32_t>& table, std::uint32_t queues);

/// 0 or the errno. Empty: back to the driver's own, which also follows later changes of the number
/// of queues; a table that was set does not.
[[nodiscard]] int set_rss_table(const Device& device, const std::vector<std::uint32_t>& table);

}  // namespace valinor::nic
