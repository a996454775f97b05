/// A capture file as a port: what it holds is received, what is transmitted goes to another one.
///
///   in.pcap -> receive() -> worker -> transmit() -> out.pcap
///
/// Needs no privilege and no NIC; the same worker runs on it. Unlike packets from a NIC, those of a
/// file can wait: they are received no faster than Room allows. One thread.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "packet_io/frame.hpp"
#include "packet_io/replay/pcap_file.hpp"

namespace valinor::packet_io::replay {

class ReplayPort {
 public:
  static constexpr bool kStampsArrival = true;  // by the capture's clock

  /// How many frames may be received now; asked by each receive(), so it must not throw or wait.
  using Room = std::function<std::size_t()>;

  /// Without `out_path`, transmitted frames are counted and dropped; without `room`, there is
  /// always room. Throws Failure.
  ReplayPort(const std::string& in_path, const std::optional<std::string>& out_path,
             Room room = {});

  [[nodiscard]] std::size_t receive(std::span<Frame> frames) noexcept;
  [[nodiscard]] std::size_t transmit(std::span<const Frame> frames) noexcept;
  void recycle(std::span<const Frame> frames) noexcept;
  void flush() noexcept {}
  [[nodiscard]] bool at_end() const noexcept { return at_end_; }
  [[nodiscard]] std::uint32_t waiting_to_leave() const noexcept { return 0; }

  /// Until there may be room again.
  static void wait(std::span<ReplayPort* const>) noexcept;

  /// Frames that transmit() took.
  [[nodiscard]] std::uint64_t sent() const noexcept { return sent_; }

  /// Where the input broke off, "" where it did not.
  [[nodiscard]] const std::string& damage() const noexcept { return reader_.damage(); }

  /// Whether all that was transmitted is in the output file.
  [[nodiscard]] bool output_complete() noexcept { return !writer_ || writer_->flush(); }

 private:
  PcapReader reader_;
  std::optional<PcapWriter> writer_;
  std::unique_ptr<std::byte[]> memory_;  // kMaxBurst frames
  std::vector<std::uint64_t> free_;      // offsets into memory_
  std::uint64_t sent_ = 0;
  bool at_end_ = false;
  Room room_;
};

}  // namespace valinor::packet_io::replay
