#include "nic/features.hpp"

#include <linux/ethtool.h>

#include <algorithm>
#include <cerrno>
#include <vector>

#include "nic/ethtool_strings.hpp"
#include "nic/with_entries.hpp"

namespace valinor::nic {
namespace {

constexpr std::size_t kBitsOfBlock = 32;

std::size_t blocks_for(std::size_t features) {
  return (features + kBitsOfBlock - 1) / kBitsOfBlock;
}

}  // namespace

std::map<std::string, Feature> features(const Device& device) {
  const std::vector<std::string> names = ethtool_strings(device, ETH_SS_FEATURES);
  const std::size_t blocks = blocks_for(names.size());
  WithEntries<ethtool_gfeatures> question{ETHTOOL_GFEATURES,
                                          blocks * sizeof(ethtool_get_features_block)};
  question->size = static_cast<std::uint32_t>(blocks);
  std::map<std::string, Feature> found;
  if (names.empty() || device.ethtool(question.head()) != 0) return found;
  for (std::size_t i = 0; i < names.size(); ++i) {
    const ethtool_get_features_block& block = question->features[i / kBitsOfBlock];
    const std::uint32_t bit = 1U << i % kBitsOfBlock;
    if (names[i].empty()) continue;
    found[names[i]] = {.active = (block.active & bit) != 0,
                       .wanted = (block.requested & bit) != 0,
                       .changeable = (block.available & ~block.never_changed & bit) != 0};
  }
  return found;
}

int set_feature(const Device& device, const std::string& name, bool on) {
  const std::vector<std::string> names = ethtool_strings(device, ETH_SS_FEATURES);
  const auto found = std::find(names.begin(), names.end(), name);
  if (found == names.end()) return EOPNOTSUPP;
  const auto number = static_cast<std::size_t>(found - names.begin());
  const std::size_t blocks = blocks_for(names.size());
  WithEntries<ethtool_sfeatures> question{ETHTOOL_SFEATURES,
                                          blocks * sizeof(ethtool_set_features_block)};
  question->size = static_cast<std::uint32_t>(blocks);
  const std::uint32_t bit = 1U << number % kBitsOfBlock;
  question->features[number / kBitsOfBlock] = {bit, on ? bit : 0};
  if (const int error = device.ethtool(question.head()); error != 0) return error;
  // The call also succeeds, with a remark, where the feature did not change.
  const auto now = features(device);
  const auto is = now.find(name);
  return is != now.end() && is->second.wanted == on ? 0 : EOPNOTSUPP;
}

}  // namespace valinor::nic
