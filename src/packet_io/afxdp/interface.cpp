#include "packet_io/afxdp/interface.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <string_view>

#include "base/failure.hpp"
#include "nic/ethtool.hpp"
#include "nic/link.hpp"

namespace valinor::packet_io::afxdp {
namespace {

namespace fs = std::filesystem;

std::uint32_t count_in_sysfs(const std::string& name, std::string_view prefix) {
  std::uint32_t count = 0;
  std::error_code ignored;  // no folder: no queue, and the caller says so
  for (const auto& entry : fs::directory_iterator{"/sys/class/net/" + name + "/queues", ignored}) {
    if (entry.path().filename().string().starts_with(prefix)) ++count;
  }
  return count;
}

QueueCounts ask_queues(const nic::Device& device) {
  const auto channels = nic::channels(device);
  if (channels && channels->now.receive() > 0) {
    return {.receive = channels->now.receive(),
            .transmit = channels->now.transmit(),
            .receive_maximum = channels->most.receive()};
  }
  const std::uint32_t receive = count_in_sysfs(device.name(), "rx-");
  return {.receive = receive,
          .transmit = count_in_sysfs(device.name(), "tx-"),
          .receive_maximum = receive};
}

}  // namespace

Interface find_interface(const std::string& name) {
  const nic::Device device{name};
  const auto driver = nic::driver_info(device);
  return {.name = name,
          .index = device.index(),
          .mtu = nic::link_of(device).mtu,
          .driver = driver ? driver->driver : "",
          .queues = ask_queues(device)};
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
