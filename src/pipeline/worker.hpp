/// One worker: one thread, its ports, run to completion.
///
///   port -> receive -> match -> decode -> stamp -> role -> transmit or recycle -> port
///                                  |
///                                  +-> RecordRing -> exporter
///
/// A one-sided role has one port; a two-sided one passes frames on between two, in both directions,
/// where they lie in memory. A packet never changes thread, and the packets of a flow leave in the
/// order in which they came; only finished records go elsewhere. Nothing here allocates, logs,
/// throws or waits for anything but packets; RpcTable has the one lock.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <vector>

#include "clock/phc_discipline.hpp"
#include "clock/timebase.hpp"
#include "packet_io/frame.hpp"
#include "packet_io/port.hpp"
#include "pipeline/arrival.hpp"
#include "pipeline/config.hpp"
#include "pipeline/editor.hpp"
#include "pipeline/residence.hpp"
#include "pipeline/treatment.hpp"
#include "pipeline/worker_stats.hpp"
#include "telemetry/decode.hpp"
#include "telemetry/record_losses.hpp"
#include "telemetry/record_ring.hpp"
#include "wire/match.hpp"

namespace valinor::pipeline {

/// Traffic one way.
template <packet_io::Port P>
struct Direction {
  P* in;
  P* out;  // shares packet memory with `in`, or is the same
  Treatment treatment;
  std::uint32_t mtu = 0xffff;       // of `out`: what an inserted header must fit
  bool complete_checksums = false;  // senders behind `in` leave them to a NIC (veth)
  bool offload_checksums = false;   // ... and that of `out` does it
  bool rewrite_macs = false;
  const clock::PhcDiscipline* in_clock = nullptr;  // of the NIC of `in`; null: it stamps nothing
};

/// What workers are given; all of it lives longer than they do.
struct WorkerContext {
  telemetry::RecordRing& records;  // this worker's
  const clock::SharedTimebase& timebase;
  RpcTable* rpcs = nullptr;                        // role host: of all workers
  clock::ClockName clock = clock::ClockName::tai;  // of the timebase
};

/// turn() and run() belong to the worker's thread, adapt() and stats() to any. Instantiated in
/// worker_<port>.cpp, once for each port.
template <packet_io::Port P>
class Worker {
 public:
  /// `id` counts from 0 and stands in the records.
  Worker(const WorkerConfig& config, std::uint32_t id, std::vector<Direction<P>> directions,
         const WorkerContext& context);

  /// One burst each way: receives, treats every frame, gives all of them back. Answers whether
  /// there was anything to receive.
  bool turn() noexcept;

  /// Turns until `stop` is requested or the ports are at their end, then until nothing is left to
  /// receive. `spin`: idle turns before it sleeps.
  void run(const std::stop_token& stop, std::size_t spin) noexcept;

  /// Accounts for the frames that have left since the last turn; run() leaves the last ones.
  void note_departures() noexcept;

  /// What `out` can do has changed. Any thread.
  void adapt(const P& out, std::uint32_t mtu, bool offload_checksums) noexcept;

  [[nodiscard]] const WorkerStats& stats() const noexcept { return stats_; }
  /// When records found their ring full. Once run() has returned.
  [[nodiscard]] const telemetry::RecordLosses& losses() const noexcept { return losses_; }
  [[nodiscard]] const Residence& residence() const noexcept { return residence_; }
  [[nodiscard]] const ArrivalStats& arrival_stats() const noexcept { return arrivals_.stats(); }
  [[nodiscard]] const EditStats& edit_stats() const noexcept { return editor_.stats(); }

 private:
  using Frame = packet_io::Frame;
  using Way = Direction<P>;
  enum class Fate : std::uint8_t { transmit, recycle };

  /// A hop of ours in a frame that is about to leave: it still lacks its egress time.
  struct UnfinishedHop {
    std::size_t outgoing;
    telemetry::TracePlace place;
  };

  /// What nearly every packet counts, until its burst is done.
  struct Tally {
    std::uint64_t records = 0;
    std::uint64_t hops = 0;
    const telemetry::PacketRecord* last = nullptr;
  };

  static bool consumes(const Way& way) noexcept { return way.treatment == Treatment::consume; }

  bool turn(const Way& way) noexcept;
  // Into one function, what every packet goes through: calls from one of these to the next would be
  // a fifth of its instructions.
  [[gnu::always_inline]] Fate treat(const Way& way, Frame& frame, std::size_t index) noexcept;
  [[gnu::always_inline]] Fate edit(const Way& way, Frame& frame,
                                   const telemetry::PacketRecord& record) noexcept;
  Fate treat_plain(const Way& way, Frame& frame, std::size_t index) noexcept;
  [[nodiscard]] Arrival arrival_of(const Frame& frame, std::size_t index) noexcept;
  [[gnu::always_inline]] void stamp(const Frame& frame, std::size_t index,
                                    telemetry::PacketRecord& record) noexcept;
  [[gnu::noinline]] DropReason decode_any(const Frame& frame,
                                          const telemetry::RecordSlot& slot) noexcept;
  Fate refuse(const Way& way, DropReason reason) noexcept;
  std::size_t transmit(const Way& way, std::size_t count) noexcept;
  void complete_checksum(const Way& way, Frame& frame, bool by_nic) noexcept;
  void finish_hops() noexcept;

  [[gnu::always_inline]] [[nodiscard]] telemetry::RecordSlot reserve() noexcept;
  [[gnu::always_inline]] void keep(const telemetry::RecordSlot& slot) noexcept;
  void count_oddities(const telemetry::PacketRecord& packet) noexcept;
  [[nodiscard]] bool at_end() const noexcept;

  std::vector<Way> directions_;
  std::vector<P*> ports_;  // each once
  unsigned transmit_retries_;
  std::uint16_t max_hops_;
  std::uint32_t id_;
  wire::Match match_;
  telemetry::Decoder decoder_;
  Editor editor_;
  telemetry::RecordRing& records_;
  const clock::SharedTimebase& shared_timebase_;
  clock::Timebase timebase_;  // as of the present burst
  ArrivalClock arrivals_;
  clock::KernelOffset tai_offset_;  // to the published clock
  Residence residence_;

  // Where a packet is decoded whose record finds no room: what is done with it must not depend on
  // the exporter.
  telemetry::PacketRecord spare_packet_;
  std::unique_ptr<telemetry::HopRecord[]> spare_hops_;
  telemetry::RecordLosses losses_;

  std::array<Frame, packet_io::kMaxBurst> burst_;
  std::array<Frame, packet_io::kMaxBurst> outgoing_;
  std::array<Frame, packet_io::kMaxBurst> done_;
  std::array<UnfinishedHop, packet_io::kMaxBurst> unfinished_hops_;
  std::size_t unfinished_hop_count_ = 0;
  telemetry::Anatomy anatomy_;                   // of the frame being treated, if it is edited
  std::optional<telemetry::TracePlace> pushed_;  // by that frame
  Tally tally_;
  // Of the last frame that had telemetry, in bytes: how far it reached, and what its record took.
  std::uint32_t reach_ = 0;
  std::size_t record_bytes_ = 0;
  WorkerStats stats_;
};

}  // namespace valinor::pipeline
