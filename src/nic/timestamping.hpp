/// What a NIC can stamp (`ethtool -T`), and what it is set to stamp (`hwstamp_ctl`).
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "nic/device.hpp"

namespace valinor::nic {

struct TimestampAbilities {
  std::uint32_t so_timestamping = 0;  // SOF_TIMESTAMPING_...
  int phc = -1;                       // N of /dev/ptpN; -1: the NIC has no clock
  std::uint32_t tx_types = 0;         // bit n: HWTSTAMP_TX_... of value n
  std::uint32_t rx_filters = 0;       // bit n: HWTSTAMP_FILTER_... of value n

  [[nodiscard]] bool stamps_all_received() const noexcept;  // in hardware
  [[nodiscard]] bool stamps_ptp_received() const noexcept;  // in hardware, some kind of PTP packets
  [[nodiscard]] bool stamps_sent() const noexcept;          // in hardware
};
[[nodiscard]] std::optional<TimestampAbilities> timestamp_abilities(const Device& device);

/// What is stamped now: HWTSTAMP_TX_... and HWTSTAMP_FILTER_...
struct HardwareStamping {
  std::int32_t tx_type = 0;    // 0: nothing
  std::int32_t rx_filter = 0;  // 0: nothing; 1: every packet
  friend bool operator==(const HardwareStamping&, const HardwareStamping&) = default;
};

/// Nothing: the driver does not say (then it stamps nothing, or it is an old driver).
[[nodiscard]] std::optional<HardwareStamping> hardware_stamping(const Device& device);

/// 0 or the errno; ERANGE: it cannot stamp those. The driver may take a wider filter than asked
/// for.
[[nodiscard]] int set_hardware_stamping(const Device& device, const HardwareStamping& wanted);

}  // namespace valinor::nic
