/// One worker with all that is its own: ports, record ring, thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "app/config.hpp"
#include "base/units.hpp"
#include "packet_io/afxdp/afxdp_port.hpp"
#include "pipeline/worker.hpp"
#include "telemetry/record_ring.hpp"

namespace valinor::app {

/// Main thread; the worker runs between start() and stop().
class Lane {
 public:
  using Port = packet_io::afxdp::AfxdpPort;
  using Directions = std::vector<pipeline::Direction<Port>>;

  struct Place {
    std::string thread_name;
    std::optional<CpuId> cpu;  // nothing: any
    packet_io::afxdp::PollMode poll;
  };

  /// Ports, timebase and RPC table outlive the lane.
  Lane(const Config& config, std::uint32_t id, const Directions& directions, Place place,
       const clock::SharedTimebase& timebase, pipeline::RpcTable* rpcs);

  void start();

  /// The first half of stop(), so that many lanes can do its second half at the same time.
  void ask_to_stop();

  /// Once nothing more can arrive: the worker receives what is left, waits until all that it sent
  /// has gone (or its patience is over), and ends. Frames of packet memory that are then in no
  /// place are a mistake of ours, and logged.
  void stop();

  [[nodiscard]] telemetry::RecordRing& records() noexcept { return records_; }
  [[nodiscard]] const pipeline::WorkerStats& stats() const noexcept { return worker_.stats(); }
  [[nodiscard]] const pipeline::EditStats& edit_stats() const noexcept {
    return worker_.edit_stats();
  }
  [[nodiscard]] const std::vector<Port*>& ports() const noexcept { return ports_; }
  [[nodiscard]] std::optional<CpuId> cpu() const noexcept { return place_.cpu; }

 private:
  void check_frames() const;

  std::vector<Port*> ports_;  // each once
  telemetry::RecordRing records_;
  pipeline::Worker<Port> worker_;
  Place place_;
  std::jthread thread_;
};

}  // namespace valinor::app
