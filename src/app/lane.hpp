/// One worker with all that is its own: ports, record ring, thread.
#pragma once

#include <chrono>
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

/// Idle turns before a worker sleeps.
[[nodiscard]] std::size_t spin_turns(packet_io::afxdp::PollMode mode) noexcept;

/// Main thread; the worker runs between start() and join().
class Lane {
 public:
  using Port = packet_io::afxdp::AfxdpPort;
  using Directions = std::vector<pipeline::Direction<Port>>;

  struct Place {
    std::string thread_name;
    std::optional<CpuId> cpu;  // nothing: any
    packet_io::afxdp::PollMode poll;
  };

  /// Ports, timebase and RPC table outlive the lane. After join() it may be started again; while it
  /// is stopped, its ports may be closed and opened.
  Lane(const Config& config, std::uint32_t id, const Directions& directions, Place place,
       const clock::SharedTimebase& timebase, pipeline::RpcTable* rpcs);

  void start();

  /// Once nothing more can arrive: the worker receives what is left, waits until all that it sent
  /// has gone, or until `deadline`, and ends.
  void ask_to_stop(std::chrono::steady_clock::time_point deadline);

  /// Returns when the worker has ended; at once where it has not been started. Frames of packet
  /// memory that are then in no place are a mistake of ours, and logged.
  void join();

  /// The interface of `out`, one of ports(), has this MTU now.
  void adapt(const Port& out, std::uint32_t mtu) noexcept {
    worker_.adapt(out, mtu, out.transmit_grants().checksum);
  }

  [[nodiscard]] telemetry::RecordRing& records() noexcept { return records_; }
  [[nodiscard]] const pipeline::WorkerStats& stats() const noexcept { return worker_.stats(); }
  /// After join().
  [[nodiscard]] const telemetry::RecordLosses& losses() const noexcept { return worker_.losses(); }
  [[nodiscard]] const pipeline::Residence& residence() const noexcept {
    return worker_.residence();
  }
  [[nodiscard]] const pipeline::ArrivalStats& arrival_stats() const noexcept {
    return worker_.arrival_stats();
  }
  [[nodiscard]] const pipeline::EditStats& edit_stats() const noexcept {
    return worker_.edit_stats();
  }
  /// Its thread's name: "eth0/3".
  [[nodiscard]] const std::string& name() const noexcept { return place_.thread_name; }
  [[nodiscard]] const std::vector<Port*>& ports() const noexcept { return ports_; }
  [[nodiscard]] std::optional<CpuId> cpu() const noexcept { return place_.cpu; }

 private:
  void check_frames() const;

  std::vector<Port*> ports_;  // each once
  telemetry::RecordRing records_;
  pipeline::Worker<Port> worker_;
  Place place_;
  // For frames handed to the kernel to leave. Written before the stop is requested, which the
  // thread sees before it reads this.
  std::chrono::steady_clock::time_point transmit_deadline_;
  std::jthread thread_;
};

}  // namespace valinor::app
