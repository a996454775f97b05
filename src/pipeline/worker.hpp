/// One worker: one thread, one port, run to completion.
///
///   port -> receive -> match -> decode -> stamp -> role -> transmit or recycle -> port
///                                  |
///                                  +-> RecordRing -> exporter
///
/// A packet never changes thread; only finished records do. Nothing here allocates, locks, logs,
/// throws or waits for anything but packets.
#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <span>
#include <stop_token>

#include "clock/timebase.hpp"
#include "packet_io/frame.hpp"
#include "packet_io/port.hpp"
#include "pipeline/config.hpp"
#include "pipeline/worker_stats.hpp"
#include "telemetry/decode.hpp"
#include "telemetry/record_ring.hpp"
#include "wire/match.hpp"

namespace valinor::pipeline {

/// The port, ring and timebase live longer than the worker. turn() and run() belong to its thread,
/// stats() to any. Instantiated in worker_<port>.cpp, once for each port.
template <packet_io::Port P>
class Worker {
 public:
  Worker(const WorkerConfig& config, std::uint32_t id, P& port, telemetry::RecordRing& records,
         const clock::SharedTimebase& timebase);

  /// One burst: receives, treats every frame, gives all of them back. Answers whether there was
  /// anything to receive.
  bool turn() noexcept;

  /// Turns until `stop` is requested or the port is at its end, then until nothing is left to
  /// receive. `spin`: idle turns before it sleeps in port.wait().
  void run(const std::stop_token& stop, std::size_t spin) noexcept;

  [[nodiscard]] const WorkerStats& stats() const noexcept { return stats_; }

 private:
  enum class Fate : std::uint8_t { transmit, recycle };

  Fate treat(const packet_io::Frame& frame, const clock::Timebase& timebase) noexcept;
  Fate drop(DropReason reason) noexcept;
  void keep_record(const packet_io::Frame& frame, const telemetry::RecordSlot& slot, bool in_ring,
                   const clock::Timebase& timebase) noexcept;

  Role role_;
  std::uint16_t max_hops_;
  std::uint32_t id_;
  wire::Match match_;
  telemetry::Decoder decoder_;
  P& port_;
  telemetry::RecordRing& records_;
  const clock::SharedTimebase& timebase_;

  // Where a packet is decoded whose record finds no room: what is done with it must not depend on
  // the exporter.
  telemetry::PacketRecord spare_packet_;
  std::unique_ptr<telemetry::HopRecord[]> spare_hops_;

  std::array<packet_io::Frame, packet_io::kMaxBurst> burst_;
  std::array<packet_io::Frame, packet_io::kMaxBurst> outgoing_;
  std::array<packet_io::Frame, packet_io::kMaxBurst> done_;
  WorkerStats stats_;
};

}  // namespace valinor::pipeline
