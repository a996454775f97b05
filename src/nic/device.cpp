#include "nic/device.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>

#include "base/failure.hpp"
#include "base/interface_name.hpp"

namespace valinor::nic {
namespace {

ifreq request_for(const std::string& name) {
  ifreq request{};
  name.copy(request.ifr_name, sizeof request.ifr_name - 1);
  return request;
}

/// 0: no such interface.
std::uint32_t index_of(int socket, const std::string& name) {
  ifreq request = request_for(name);
  if (::ioctl(socket, SIOCGIFINDEX, &request) != 0) return 0;
  return static_cast<std::uint32_t>(request.ifr_ifindex);
}

std::string first_word(const std::string& path) {
  std::ifstream file{path};
  std::string word;
  file >> word;
  return word;
}

}  // namespace

Device::Device(const std::string& name)
    : socket_{::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)},
      name_{name},
      index_{find_interface_index(name)} {
  if (!socket_) throw_errno("open a socket to ask about " + name);
}

std::uint64_t Device::namespace_cookie() const noexcept {
  std::uint64_t cookie = 0;
  socklen_t bytes = sizeof cookie;
  if (::getsockopt(socket_.get(), SOL_SOCKET, SO_NETNS_COOKIE, &cookie, &bytes) != 0) return 0;
  return cookie;
}

bool Device::is_there() const noexcept { return index_of(socket_.get(), name_) == index_.value(); }

bool Device::is_in_sysfs() const {
  const std::string folder = "/sys/class/net/" + name_;
  if (first_word(folder + "/ifindex") != std::to_string(index_.value())) return false;
  ifreq request = request_for(name_);
  if (::ioctl(socket_.get(), SIOCGIFHWADDR, &request) != 0) return false;
  std::string address;
  for (int i = 0; i < 6; ++i) {
    address += fmt::format("{}{:02x}", i == 0 ? "" : ":",
                           static_cast<unsigned char>(request.ifr_hwaddr.sa_data[i]));
  }
  return first_word(folder + "/address").starts_with(address);
}

int Device::write_sysfs(const std::string& file, std::uint64_t number) const {
  UniqueFd& open = sysfs_files_[file];
  if (!open) {
    if (!is_in_sysfs()) return ENODEV;
    open = UniqueFd{::open(("/sys/class/net/" + name_ + "/" + file).c_str(), O_WRONLY | O_CLOEXEC)};
    if (!open) return errno;
  }
  const std::string text = std::to_string(number);
  return ::write(open.get(), text.data(), text.size()) < 0 ? errno : 0;
}

int Device::ethtool(void* question) const noexcept { return request(SIOCETHTOOL, question); }

int Device::request(unsigned long number, void* data) const noexcept {
  ifreq request = request_for(name_);
  request.ifr_data = static_cast<char*>(data);
  return ::ioctl(socket_.get(), number, &request) == 0 ? 0 : errno;
}

}  // namespace valinor::nic
