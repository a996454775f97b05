#include "nic/ethtool_strings.hpp"

#include <linux/ethtool.h>

#include <cstring>

#include "nic/with_entries.hpp"

namespace valinor::nic {

std::vector<std::string> ethtool_strings(const Device& device, std::uint32_t set) {
  // The sizes follow, one for each set of the mask that there is.
  WithEntries<ethtool_sset_info> info{ETHTOOL_GSSET_INFO, sizeof(std::uint32_t)};
  info->sset_mask = 1ULL << set;
  if (device.ethtool(info.head()) != 0 || info->sset_mask == 0) return {};
  const std::uint32_t count = info->data[0];

  WithEntries<ethtool_gstrings> strings{ETHTOOL_GSTRINGS, std::size_t{count} * ETH_GSTRING_LEN};
  strings->string_set = set;
  strings->len = count;
  if (device.ethtool(strings.head()) != 0) return {};
  std::vector<std::string> names;
  for (std::uint32_t i = 0; i < count; ++i) {
    const auto* name =
        reinterpret_cast<const char*>(strings->data + std::size_t{i} * ETH_GSTRING_LEN);
    names.emplace_back(name, ::strnlen(name, ETH_GSTRING_LEN));
  }
  return names;
}

}  // namespace valinor::nic
