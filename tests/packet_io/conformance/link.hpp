/// What the tests change on an interface, and change back. Each throws std::system_error.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace valinor::packet_io::afxdp {

void set_mtu(const std::string& interface, std::uint32_t mtu);

/// Whether the interface has a carrier: drivers may lose it for seconds when a program is attached.
[[nodiscard]] bool is_running(const std::string& interface);

/// Whether the stack leaves the checksums of what it sends to the device (ethtool -K tx).
[[nodiscard]] bool leaves_checksums_to_device(const std::string& interface);
void leave_checksums_to_device(const std::string& interface, bool yes);

/// Descriptors of the device's own rings (ethtool -g).
struct DeviceRings {
  std::uint32_t rx = 0, tx = 0;
  std::uint32_t rx_maximum = 0, tx_maximum = 0;
};

/// Nothing where the driver has no say in it.
[[nodiscard]] std::optional<DeviceRings> device_rings(const std::string& interface);
/// False where the driver does not take it; the maxima are not used.
bool set_device_rings(const std::string& interface, const DeviceRings& wanted);

/// A file of /sys/class/net/<interface>, in the namespace of the calling thread.
[[nodiscard]] std::string read_setting(const std::string& interface, const std::string& file);
void write_setting(const std::string& interface, const std::string& file, const std::string& value);

}  // namespace valinor::packet_io::afxdp
