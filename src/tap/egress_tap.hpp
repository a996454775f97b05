/// Times every packet that leaves some interfaces of this host: Valinor-H's job, live.
///
///   tc egress --describe--> [ ring buffer of each CPU ] --own thread--> [ RecordRing ] -->
///   exporter
///              (full: overflow)                          (full: records_ring_full)
///
///   packets that left = records + overflow         once stop() has returned
///
/// The thread sleeps while nothing leaves, and otherwise looks once in kGather.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <thread>

#include "base/time.hpp"
#include "base/wake_event.hpp"
#include "tap/config.hpp"
#include "tap/tap_program.hpp"
#include "tap/to_records.hpp"
#include "telemetry/record_ring.hpp"

struct ring_buffer;  // libbpf's reader

namespace valinor::tap {

class EgressTap {
 public:
  /// What to add to CLOCK_MONOTONIC to get published time, at this moment. Called by the tap's
  /// thread, before each batch of packets. Zero gives Valinor-H's very numbers.
  using Offset = std::function<Nanos()>;

  /// Loads and attaches; nothing is recorded yet. `worker` goes into the records. The tap's thread
  /// is the producer of `records`, which outlives this. Throws as TapProgram.
  EgressTap(const TapConfig& config, std::uint32_t worker, telemetry::RecordRing& records,
            Offset offset);
  ~EgressTap();
  EgressTap(const EgressTap&) = delete;
  EgressTap& operator=(const EgressTap&) = delete;

  /// From here on packets are recorded. Once.
  void start();

  /// No packet is recorded any more; on return all that were are published. A second call does
  /// nothing.
  void stop() noexcept;

  /// Any thread.
  [[nodiscard]] const TapStats& stats() const noexcept { return stats_; }
  [[nodiscard]] TapCounts counts() const { return program_.counts(); }
  [[nodiscard]] const TapProgram& program() const noexcept { return program_; }

  /// How long packets gather in the ring buffers once the thread is awake. The kernel wakes us for
  /// the first of them only. Shorter: more wake-ups on the CPUs that send. Longer: records come
  /// later, and the ring buffers must hold more; 1 MiB holds 13,000 packets.
  static constexpr std::chrono::milliseconds kGather{1};

 private:
  struct Free {
    void operator()(ring_buffer* reader) const noexcept;
  };

  static int on_packet(void* self, void* data, std::size_t bytes);
  void run();
  void drain();
  void take(const valinor_tap_packet& packet);

  TapProgram program_;
  std::uint32_t worker_;
  telemetry::RecordRing& records_;
  Offset offset_;
  Nanos current_offset_{};
  std::uint32_t since_look_ = 0;  // packets since current_offset_ was measured and we published
  TapStats stats_;
  WakeEvent stop_event_;
  std::unique_ptr<ring_buffer, Free> reader_;
  std::thread thread_;  // last: it uses all of the above
};

}  // namespace valinor::tap
