/// Opens the configured interfaces and connects their queues to lanes.
///
///   one-sided role   each queue of each interface -> a lane
///   two-sided role   queue i of the network's interface <-> a lane <-> queue i of forward.to
#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <vector>

#include "app/config.hpp"
#include "app/interface_settings.hpp"
#include "app/interface_time.hpp"
#include "app/lane.hpp"
#include "base/failure.hpp"
#include "clock/timebase.hpp"
#include "packet_io/afxdp/open_interface.hpp"
#include "pipeline/rpc_table.hpp"

namespace valinor::app {

/// What is opened and closed together, as it shares packet memory: one interface with a lane for
/// each queue, or the two sides with the lanes between them.
struct Group {
  packet_io::afxdp::FramePools* pools;
  std::vector<packet_io::afxdp::OpenInterface*> interfaces;
  std::vector<Lane*> lanes;
};

/// Members in the order of their lives. Main thread.
struct Wiring {
  std::deque<packet_io::afxdp::FramePools> pools;
  std::vector<std::unique_ptr<InterfaceSettings>> settings;  // of each interface's NIC
  std::vector<std::unique_ptr<InterfaceTime>> times;         // of each interface
  std::vector<std::unique_ptr<packet_io::afxdp::OpenInterface>> interfaces;
  std::vector<packet_io::afxdp::Mode> asked;  // mode, of each interface
  std::vector<Finding> warnings;              // for the user to see at the start
  std::unique_ptr<pipeline::RpcTable> rpcs;   // role host
  std::vector<std::unique_ptr<Lane>> lanes;
  std::vector<Group> groups;

  /// Where the worker of that port runs; nothing: on any CPU.
  [[nodiscard]] std::optional<CpuId> cpu_of(const packet_io::afxdp::AfxdpPort& port) const;
};

/// Nothing is steered yet, no lane is started. Throws Failure: what OpenInterface,
/// InterfaceSettings and InterfaceTime throw (of a two-sided role, only the network's NIC must have
/// hardware time where that is asked for), and FWD-QUEUES-01 where the two sides have different
/// numbers of queues.
[[nodiscard]] Wiring wire_up(const Config& config, const clock::SharedTimebase& timebase);

}  // namespace valinor::app
