#include "nic/timestamping.hpp"

#include <linux/ethtool.h>
#include <linux/net_tstamp.h>
#include <linux/sockios.h>

namespace valinor::nic {

bool TimestampAbilities::stamps_all_received() const noexcept {
  return (so_timestamping & SOF_TIMESTAMPING_RX_HARDWARE) != 0 &&
         (rx_filters & 1U << HWTSTAMP_FILTER_ALL) != 0;
}

bool TimestampAbilities::stamps_ptp_received() const noexcept {
  return (so_timestamping & SOF_TIMESTAMPING_RX_HARDWARE) != 0 &&
         (rx_filters & ~(1U << HWTSTAMP_FILTER_NONE)) != 0;
}

bool TimestampAbilities::stamps_sent() const noexcept {
  return (so_timestamping & SOF_TIMESTAMPING_TX_HARDWARE) != 0 &&
         (tx_types & ~(1U << HWTSTAMP_TX_OFF)) != 0;
}

std::optional<TimestampAbilities> timestamp_abilities(const Device& device) {
  ethtool_ts_info info{};
  info.cmd = ETHTOOL_GET_TS_INFO;
  if (device.ethtool(&info) != 0) return std::nullopt;
  return TimestampAbilities{.so_timestamping = info.so_timestamping,
                            .phc = info.phc_index,
                            .tx_types = info.tx_types,
                            .rx_filters = info.rx_filters};
}

std::optional<HardwareStamping> hardware_stamping(const Device& device) {
  hwtstamp_config config{};
  if (device.request(SIOCGHWTSTAMP, &config) != 0) return std::nullopt;
  return HardwareStamping{config.tx_type, config.rx_filter};
}

int set_hardware_stamping(const Device& device, const HardwareStamping& wanted) {
  hwtstamp_config config{};
  config.tx_type = wanted.tx_type;
  config.rx_filter = wanted.rx_filter;
  return device.request(SIOCSHWTSTAMP, &config);
}

}  // namespace valinor::nic
