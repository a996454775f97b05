/// One network interface, to be asked and set. The other headers of nic/ ask about it.
///
/// What a driver does not offer is an empty answer, not an error. Set-up only, one thread at a
/// time.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "base/unique_fd.hpp"
#include "base/units.hpp"

namespace valinor::nic {

class Device {
 public:
  /// Finds the interface in the calling thread's network namespace; the Device stays in that one.
  /// Throws Failure (IF-NAME-01) that lists the interfaces there are.
  explicit Device(const std::string& name);

  [[nodiscard]] const std::string& name() const noexcept { return name_; }
  [[nodiscard]] InterfaceIndex index() const noexcept { return index_; }

  /// The number by which the kernel knows the network namespace; never used again until the next
  /// boot. 0 on kernels before 5.14.
  [[nodiscard]] std::uint64_t namespace_cookie() const noexcept;

  /// Whether the interface of this name is still the one that was found.
  [[nodiscard]] bool is_there() const noexcept;

  /// Whether /sys/class/net/NAME is this very interface: /sys shows the namespace in which it was
  /// mounted, and an interface there may have the same name.
  [[nodiscard]] bool is_in_sysfs() const;

  /// Writes a number to /sys/class/net/NAME/`file`: 0 or the errno. The file stays open, so that it
  /// can be written again by whoever may open it no more (the kernel asks for CAP_NET_ADMIN then).
  [[nodiscard]] int write_sysfs(const std::string& file, std::uint64_t number) const;

  /// SIOCETHTOOL with one of the structs of linux/ethtool.h: 0 or the errno.
  [[nodiscard]] int ethtool(void* question) const noexcept;

  /// Any other request that has its struct behind ifr_data: 0 or the errno.
  [[nodiscard]] int request(unsigned long number, void* data) const noexcept;

 private:
  UniqueFd socket_;
  std::string name_;
  InterfaceIndex index_;
  mutable std::map<std::string, UniqueFd> sysfs_files_;  // that were written to
};

}  // namespace valinor::nic
