#include "nic/ethtool.hpp"

#include <linux/ethtool.h>

#include "nic/ethtool_strings.hpp"
#include "nic/with_entries.hpp"

namespace valinor::nic {
namespace {

/// One of ethtool's structs, filled by the driver; nothing where it does not answer.
template <class Answer>
std::optional<Answer> ask(const Device& device, std::uint32_t command) {
  Answer answer{};
  answer.cmd = command;
  if (device.ethtool(&answer) != 0) return std::nullopt;
  return answer;
}

}  // namespace

std::optional<DriverInfo> driver_info(const Device& device) {
  const auto info = ask<ethtool_drvinfo>(device, ETHTOOL_GDRVINFO);
  if (!info) return std::nullopt;
  return DriverInfo{info->driver, info->version, info->fw_version, info->bus_info};
}

std::optional<std::uint32_t> link_speed(const Device& device) {
  // The first call tells, as a negative number, how many words its masks have; the second fills in.
  ethtool_link_settings sizes{};
  sizes.cmd = ETHTOOL_GLINKSETTINGS;
  if (device.ethtool(&sizes) != 0 || sizes.link_mode_masks_nwords >= 0) return std::nullopt;
  const auto words = static_cast<std::int8_t>(-sizes.link_mode_masks_nwords);
  constexpr std::size_t kMasks = 3;
  WithEntries<ethtool_link_settings> link{
      ETHTOOL_GLINKSETTINGS, kMasks * static_cast<std::size_t>(words) * sizeof(std::uint32_t)};
  link->link_mode_masks_nwords = words;
  if (device.ethtool(link.head()) != 0) return std::nullopt;
  const std::uint32_t speed = link->speed;
  if (speed == 0 || speed == static_cast<std::uint32_t>(SPEED_UNKNOWN)) return std::nullopt;
  return speed;
}

std::optional<ChannelCounts> channels(const Device& device) {
  const auto told = ask<ethtool_channels>(device, ETHTOOL_GCHANNELS);
  if (!told) return std::nullopt;
  return ChannelCounts{
      .now = {told->rx_count, told->tx_count, told->other_count, told->combined_count},
      .most = {told->max_rx, told->max_tx, told->max_other, told->max_combined}};
}

std::optional<HardwareRingSizes> hardware_rings(const Device& device) {
  const auto told = ask<ethtool_ringparam>(device, ETHTOOL_GRINGPARAM);
  if (!told) return std::nullopt;
  return HardwareRingSizes{.now = {told->rx_pending, told->tx_pending},
                           .most = {told->rx_max_pending, told->tx_max_pending}};
}

std::optional<Coalescing> coalescing(const Device& device) {
  const auto told = ask<ethtool_coalesce>(device, ETHTOOL_GCOALESCE);
  if (!told) return std::nullopt;
  return Coalescing{.rx_us = told->rx_coalesce_usecs,
                    .rx_frames = told->rx_max_coalesced_frames,
                    .tx_us = told->tx_coalesce_usecs,
                    .tx_frames = told->tx_max_coalesced_frames,
                    .adaptive_rx = told->use_adaptive_rx_coalesce != 0,
                    .adaptive_tx = told->use_adaptive_tx_coalesce != 0};
}

std::map<std::string, bool> private_flags(const Device& device) {
  std::map<std::string, bool> flags;
  const auto bits = ask<ethtool_value>(device, ETHTOOL_GPFLAGS);
  if (!bits) return flags;
  std::uint32_t bit = 1;
  for (const std::string& name : ethtool_strings(device, ETH_SS_PRIV_FLAGS)) {
    flags[name] = (bits->data & bit) != 0;
    bit <<= 1;
  }
  return flags;
}

int set_channels(const Device& device, const Channels& wanted) {
  ethtool_channels question{};
  question.cmd = ETHTOOL_SCHANNELS;
  question.rx_count = wanted.rx;
  question.tx_count = wanted.tx;
  question.other_count = wanted.other;
  question.combined_count = wanted.combined;
  return device.ethtool(&question);
}

int set_hardware_rings(const Device& device, const HardwareRings& wanted) {
  // What else the struct holds (mini and jumbo rings) stays as it is.
  ethtool_ringparam question{};
  question.cmd = ETHTOOL_GRINGPARAM;
  if (const int error = device.ethtool(&question); error != 0) return error;
  question.cmd = ETHTOOL_SRINGPARAM;
  question.rx_pending = wanted.rx;
  question.tx_pending = wanted.tx;
  return device.ethtool(&question);
}

}  // namespace valinor::nic
