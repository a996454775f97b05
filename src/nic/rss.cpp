#include "nic/rss.hpp"

#include <linux/ethtool.h>

#include <algorithm>

#include "nic/with_entries.hpp"

namespace valinor::nic {
std::vector<std::uint32_t> rss_table(const Device& device) {
  ethtool_rxfh_indir head{};
  head.cmd = ETHTOOL_GRXFHINDIR;  // with size 0 it tells the size
  if (device.ethtool(&head) != 0 || head.size == 0) return {};
  const std::uint32_t size = head.size;
  WithEntries<ethtool_rxfh_indir> table{ETHTOOL_GRXFHINDIR, size * sizeof(std::uint32_t)};
  table->size = size;
  if (device.ethtool(table.head()) != 0) return {};
  return {table->ring_index, table->ring_index + size};
}

bool is_default_rss(const std::vector<std::uint32_t>& table, std::uint32_t queues) {
  std::vector<std::size_t> entries(queues);
  for (const std::uint32_t queue : table) {
    if (queue >= queues) return false;
    ++entries[queue];
  }
  const auto [least, most] = std::ranges::minmax_element(entries);
  return entries.empty() || *most - *least <= 1;
}

int set_rss_table(const Device& device, const std::vector<std::uint32_t>& table) {
  WithEntries<ethtool_rxfh_indir> question{ETHTOOL_SRXFHINDIR,
                                           table.size() * sizeof(std::uint32_t)};
  question->size = static_cast<std::uint32_t>(table.size());
  std::copy(table.begin(), table.end(), question->ring_index);
  return device.ethtool(question.head());
}

}  // namespace valinor::nic
