/// The worker's whole path, from RX ring to fill or TX ring and record ring, on a port whose kernel
/// is played.
#pragma once

#include <cstddef>
#include <cstdint>

#include "clock/timebase.hpp"
#include "load/named_frames.hpp"
#include "path/played_kernel.hpp"
#include "pipeline/worker.hpp"
#include "telemetry/record_ring.hpp"

namespace valinor::bench {

class WholePath {
 public:
  /// Of role collect or reflect.
  WholePath(pipeline::Role role, Frames frames);

  /// A burst arrives; answers its frames. Not what is measured.
  std::uint32_t deliver() noexcept;
  /// What is measured: one turn of the worker.
  void turn() noexcept;
  /// The exporter's part. Not what is measured. Answers the records.
  std::size_t take_records();

  [[nodiscard]] const pipeline::WorkerStats& stats() const noexcept { return worker_.stats(); }

 private:
  using Port = packet_io::afxdp::AfxdpPort;

  PlayedKernel kernel_;
  telemetry::RecordRing records_;
  clock::SharedTimebase timebase_;
  pipeline::Worker<Port> worker_;
};

}  // namespace valinor::bench
