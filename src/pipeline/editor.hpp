/// What the two-sided roles do to a frame: the edits of telemetry/edit, on frames in packet memory,
/// with what a role remembers from packet to packet.
///
/// An edit that cannot be made leaves the frame as it was, counts why, and the frame goes on. One
/// worker's thread; the RpcTable is shared by all.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "base/counter.hpp"
#include "base/time.hpp"
#include "packet_io/frame.hpp"
#include "pipeline/config.hpp"
#include "pipeline/rpc_table.hpp"
#include "telemetry/decode.hpp"
#include "telemetry/edit/editable_frame.hpp"
#include "telemetry/record_ring.hpp"

namespace valinor::pipeline {

/// Written by the worker's thread.
struct EditStats {
  std::array<Counter, telemetry::kEditResults> results;  // `done` and each reason why not
  Counter checksums_completed;
};

class Editor {
 public:
  /// `rpcs` only for role host; it outlives the editor.
  Editor(const WorkerConfig& config, RpcTable* rpcs);

  /// Removes P4NetIntel; other telemetry stays, nothing of it could be removed.
  void strip(packet_io::Frame& frame, const telemetry::Anatomy& anatomy) noexcept;

  /// Pushes a hop of ours. Answers where it stands, for finish_hop() right before the frame leaves.
  [[nodiscard]] std::optional<telemetry::TracePlace> push_hop(packet_io::Frame& frame,
                                                              const telemetry::Anatomy& anatomy,
                                                              HostTime now, std::uint32_t queue,
                                                              std::uint32_t mtu) noexcept;

  /// Inserts a hop of ours into a plain packet, if it is one that source.* chooses.
  [[nodiscard]] std::optional<telemetry::TracePlace> insert(packet_io::Frame& frame, HostTime now,
                                                            std::uint32_t queue,
                                                            std::uint32_t mtu) noexcept;

  /// Writes the time of leaving into a hop of ours.
  static void finish_hop(const packet_io::Frame& frame, telemetry::TracePlace place,
                         HostTime now) noexcept;

  /// Remembers a request's traces under its RPC id.
  void remember(const packet_io::Frame& frame, const telemetry::Anatomy& anatomy,
                const telemetry::PacketRecord& request, HostTime now) noexcept;

  /// Puts a request's traces, and the host's time, into its reply, and fills `slot` with the record
  /// of the pair. False where the frame is no reply to a request that is remembered.
  [[nodiscard]] bool answer(packet_io::Frame& frame, HostTime now, std::uint32_t mtu,
                            const telemetry::RecordSlot& slot) noexcept;

  /// Finishes the checksum of a plain packet that its sender on this machine left to a NIC, or has
  /// the NIC by which it leaves do so. `rest`: what the port holds of it in further buffers.
  void complete_checksum(packet_io::Frame& frame, bool by_nic,
                         std::span<const wire::Bytes> rest) noexcept;

  /// Towards the host: gives the frame the configured addresses.
  void rewrite_macs(const packet_io::Frame& frame) const noexcept;

  [[nodiscard]] const EditStats& stats() const noexcept { return stats_; }

 private:
  /// Runs `edit` on the frame and counts its result.
  template <class Edit>
  bool apply(packet_io::Frame& frame, Edit&& edit) noexcept;

  [[nodiscard]] bool is_chosen(wire::Bytes packet, HostTime now) noexcept;

  MacRewrite rewrite_;
  HopConfig hop_;
  SourceConfig source_;
  telemetry::HostByteOrder host_byte_order_;
  RpcTable* rpcs_;

  std::uint32_t until_next_ = 0;  // source.every: packets to let go by
  std::optional<HostTime> last_insert_;
  std::array<std::byte, telemetry::kMaxTracesBytes> traces_;
  EditStats stats_;
};

}  // namespace valinor::pipeline
