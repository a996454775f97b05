#include "packet_io/conformance/link.hpp"

#include <fcntl.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>

#include "base/failure.hpp"
#include "base/unique_fd.hpp"

namespace valinor::packet_io::afxdp {
namespace {

/// One ioctl(2) on an interface; false with errno set where the driver refuses.
bool ask(const std::string& interface, unsigned long what, ifreq& request) {
  const UniqueFd fd{::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
  if (!fd) throw_errno("open a socket to change " + interface);
  interface.copy(request.ifr_name, sizeof request.ifr_name - 1);
  return ::ioctl(fd.get(), what, &request) == 0;
}

template <class Question>
bool ask_ethtool(const std::string& interface, Question& question) {
  ifreq request{};
  request.ifr_data = reinterpret_cast<char*>(&question);
  return ask(interface, SIOCETHTOOL, request);
}

/// The mounted /sys shows the namespace of whoever mounted it; this one shows the caller's.
UniqueFd open_setting(const std::string& interface, const std::string& file, int flags) {
  const UniqueFd made{::fsopen("sysfs", FSOPEN_CLOEXEC)};
  if (!made || ::fsconfig(made.get(), FSCONFIG_CMD_CREATE, nullptr, nullptr, 0) != 0) {
    throw_errno("make a sysfs");
  }
  const UniqueFd root{::fsmount(made.get(), FSMOUNT_CLOEXEC, 0)};
  if (!root) throw_errno("mount a sysfs");
  UniqueFd setting{
      ::openat(root.get(), ("class/net/" + interface + "/" + file).c_str(), flags | O_CLOEXEC)};
  if (!setting) throw_errno("open " + file + " of " + interface);
  return setting;
}

}  // namespace

void set_mtu(const std::string& interface, std::uint32_t mtu) {
  ifreq request{};
  request.ifr_mtu = static_cast<int>(mtu);
  if (!ask(interface, SIOCSIFMTU, request)) throw_errno("set the MTU of " + interface);
}

bool is_running(const std::string& interface) {
  ifreq request{};
  if (!ask(interface, SIOCGIFFLAGS, request)) throw_errno("ask the state of " + interface);
  return (request.ifr_flags & IFF_RUNNING) != 0;
}

bool leaves_checksums_to_device(const std::string& interface) {
  ethtool_value value{.cmd = ETHTOOL_GTXCSUM, .data = 0};
  return ask_ethtool(interface, value) && value.data != 0;
}

void leave_checksums_to_device(const std::string& interface, bool yes) {
  ethtool_value value{.cmd = ETHTOOL_STXCSUM, .data = yes ? 1U : 0U};
  if (!ask_ethtool(interface, value)) throw_errno("set checksum offload of " + interface);
}

std::optional<DeviceRings> device_rings(const std::string& interface) {
  ethtool_ringparam rings{};
  rings.cmd = ETHTOOL_GRINGPARAM;
  if (!ask_ethtool(interface, rings)) return std::nullopt;
  return DeviceRings{.rx = rings.rx_pending,
                     .tx = rings.tx_pending,
                     .rx_maximum = rings.rx_max_pending,
                     .tx_maximum = rings.tx_max_pending};
}

bool set_device_rings(const std::string& interface, const DeviceRings& wanted) {
  ethtool_ringparam rings{};
  rings.cmd = ETHTOOL_GRINGPARAM;
  if (!ask_ethtool(interface, rings)) return false;
  rings.cmd = ETHTOOL_SRINGPARAM;
  rings.rx_pending = wanted.rx;
  rings.tx_pending = wanted.tx;
  return ask_ethtool(interface, rings);
}

std::string read_setting(const std::string& interface, const std::string& file) {
  std::array<char, 64> text{};
  const auto bytes =
      ::read(open_setting(interface, file, O_RDONLY).get(), text.data(), text.size());
  if (bytes < 0) throw_errno("read " + file + " of " + interface);
  return {text.data(), static_cast<std::size_t>(bytes)};
}

void write_setting(const std::string& interface, const std::string& file,
                   const std::string& value) {
  if (::write(open_setting(interface, file, O_WRONLY).get(), value.data(), value.size()) < 0) {
    throw_errno("write " + value + " to " + file + " of " + interface);
  }
}

}  // namespace valinor::packet_io::afxdp
