#include "packet_io/afxdp/interface.hpp"

#include <fmt/format.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <string_view>

#include "base/failure.hpp"
#include "base/unique_fd.hpp"

namespace valinor::packet_io::afxdp {
namespace {

namespace fs = std::filesystem;

ifreq request_for(const std::string& name) {
  ifreq request{};
  name.copy(request.ifr_name, sizeof request.ifr_name - 1);
  return request;
}

/// False where the driver does not answer.
template <class Question>
bool ask_ethtool(int fd, const std::string& name, Question& question) {
  ifreq request = request_for(name);
  request.ifr_data = reinterpret_cast<char*>(&question);
  return ::ioctl(fd, SIOCETHTOOL, &request) == 0;
}

std::uint32_t count_in_sysfs(const std::string& name, std::string_view prefix) {
  std::uint32_t count = 0;
  std::error_code ignored;  // no folder: no queue, and the caller says so
  for (const auto& entry : fs::directory_iterator{"/sys/class/net/" + name + "/queues", ignored}) {
    if (entry.path().filename().string().starts_with(prefix)) ++count;
  }
  return count;
}

QueueCounts ask_queues(int fd, const std::string& name) {
  ethtool_channels channels{};
  channels.cmd = ETHTOOL_GCHANNELS;
  if (ask_ethtool(fd, name, channels) && channels.combined_count + channels.rx_count > 0) {
    return {.receive = channels.combined_count + channels.rx_count,
            .transmit = channels.combined_count + channels.tx_count,
            .receive_maximum = channels.max_combined + channels.max_rx};
  }
  const std::uint32_t receive = count_in_sysfs(name, "rx-");
  return {.receive = receive, .transmit = count_in_sysfs(name, "tx-"), .receive_maximum = receive};
}

std::string ask_driver(int fd, const std::string& name) {
  ethtool_drvinfo info{};
  info.cmd = ETHTOOL_GDRVINFO;
  return ask_ethtool(fd, name, info) ? std::string{info.driver} : std::string{};
}

std::string interfaces_there_are() {
  std::string names;
  struct if_nameindex* const all = ::if_nameindex();
  for (auto* one = all; one != nullptr && one->if_index != 0; ++one) {
    names += (names.empty() ? "" : ", ") + std::string{one->if_name};
  }
  ::if_freenameindex(all);
  return names.empty() ? "none" : names;
}

[[noreturn]] void refuse_name(const std::string& name) {
  throw Failure{ExitStatus::host_not_ready,
                {.code = "IF-NAME-01",
                 .what = fmt::format("{}: no such interface", name),
                 .why = fmt::format("interfaces here: {}", interfaces_there_are()),
                 .next = "ip -brief link    shows them with their state"}};
}

}  // namespace

Interface find_interface(const std::string& name) {
  const unsigned index = name.size() < IFNAMSIZ ? ::if_nametoindex(name.c_str()) : 0;
  if (index == 0) refuse_name(name);
  const UniqueFd fd{::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
  if (!fd) throw_errno("open a socket to ask about " + name);
  ifreq request = request_for(name);
  if (::ioctl(fd.get(), SIOCGIFMTU, &request) != 0) throw_errno("ask the MTU of " + name);
  return {.name = name,
          .index = InterfaceIndex{index},
          .mtu = static_cast<std::uint32_t>(request.ifr_mtu),
          .driver = ask_driver(fd.get(), name),
          .queues = ask_queues(fd.get(), name)};
}

std::vector<QueueId> choose_queues(const Interface& interface, const std::vector<QueueId>& wanted) {
  // A socket sends on the queue it receives from, so a queue needs both directions.
  const std::uint32_t usable = std::min(interface.queues.receive, interface.queues.transmit);
  for (const QueueId queue : wanted) {
    if (queue.value() < usable) continue;
    throw Failure{
        ExitStatus::host_not_ready,
        {.code = "IF-QUEUE-01",
         .what = fmt::format("{} queue {}: no such queue", interface.name, queue.value()),
         .why = fmt::format("{} has {} receive and {} transmit queues; usable are 0 to {}",
                            interface.name, interface.queues.receive, interface.queues.transmit,
                            usable == 0 ? 0 : usable - 1),
         .next = fmt::format("list fewer in interfaces[].queues    or, where the NIC can:  "
                             "ethtool -L {} combined {}",
                             interface.name, queue.value() + 1)}};
  }
  if (!wanted.empty()) return wanted;
  std::vector<QueueId> all;
  for (std::uint32_t queue = 0; queue < usable; ++queue) all.emplace_back(queue);
  return all;
}

}  // namespace valinor::packet_io::afxdp
