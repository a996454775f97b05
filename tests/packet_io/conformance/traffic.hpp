/// Numbered packets from one side to the other, every byte of them checked.
#pragma once

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "packet_io/conformance/bed.hpp"

namespace valinor::packet_io::afxdp {

inline constexpr std::uint32_t kPackets = 4096;

/// Telemetry by the default rules, and a protocol number that is none (RFC 5342's for experiments).
inline constexpr std::uint16_t kTelemetry = 0x1212;
inline constexpr std::uint16_t kOther = 0x88b5;

/// Without progress for so long, a test gives up.
inline constexpr auto kPatience = std::chrono::seconds{10};

/// Packets under way at a time: less than any ring holds.
inline constexpr std::uint32_t kWindow = 48;

/// What is sent, and what of it arrives how.
struct Stream {
  std::uint32_t first = 0;
  std::uint32_t packets = kPackets;
  /// By number: the packet's length, 60 or more, and its ethertype.
  std::function<std::uint32_t(std::uint32_t)> bytes = [](std::uint32_t) { return 64U; };
  std::function<std::uint16_t(std::uint32_t)> ethertype = [](std::uint32_t) { return kTelemetry; };
  /// Whether it reaches the other side; and how many bytes longer (or shorter) than it was sent.
  std::function<bool(std::uint32_t)> arrives = [](std::uint32_t) { return true; };
  std::int32_t grown = 0;

  [[nodiscard]] std::uint32_t end() const noexcept { return first + packets; }
};

/// Writes the whole packet; every byte depends on the number.
void write_packet(std::span<std::byte> packet, std::uint32_t number,
                  std::uint16_t ethertype = kTelemetry);

/// Whether it is that packet, its first `written` bytes as written and 0 behind them.
[[nodiscard]] testing::AssertionResult is_packet(std::span<const std::byte> packet,
                                                 std::uint32_t number, std::size_t written);

[[nodiscard]] std::uint32_t number_of(std::span<const std::byte> packet);

/// Sends a stream. One thread.
class Source {
 public:
  Source(const Side& side, Stream stream) : side_{side}, stream_{std::move(stream)} {}

  /// Hands over packets with numbers below `limit`, at most a burst; false where it could not.
  bool turn(std::uint32_t limit);
  [[nodiscard]] bool done() const noexcept { return next_ == stream_.packets; }

 private:
  const Side& side_;
  Stream stream_;
  std::uint32_t next_ = 0;  // counted from stream_.first
};

/// Receives a stream: what arrives is as it was sent, in order, nothing missing and nothing twice.
/// One thread; progress() is for any.
class Sink {
 public:
  Sink(const Side& side, Stream stream);

  /// Takes at most a burst; false where none was there.
  bool turn();
  /// Until done(); fails the test where nothing comes for kPatience.
  void receive_all();
  [[nodiscard]] bool done() const noexcept { return progress() == stream_.end(); }

  /// The number of the packet that is waited for, or of one before it that does not arrive.
  [[nodiscard]] std::uint32_t progress() const noexcept { return next_; }

 private:
  void check(const Frame& frame);
  void skip_lost();

  const Side& side_;
  Stream stream_;
  std::atomic<std::uint32_t> next_;
};

/// Calls `step` until it says true; false after kPatience.
template <class Step>
bool eventually(Step step) {
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  while (!step()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
  }
  return true;
}

/// The stream from one side to the other, sent by a thread of its own, at most kWindow packets
/// under way.
void transfer(const Side& from, const Side& to, const Stream& stream = {});

/// Receives the whole stream; fails the test where it does not come.
void receive(const Side& to, const Stream& stream);

/// Until the kernel has given back all that the port sent; fails the test where it does not.
void settle(const Side& side);

/// Packets that the program gave to sockets.
[[nodiscard]] std::uint64_t redirected(const RedirectProgram& program);

/// Drivers may lose it for seconds when a program is attached.
void wait_for_carrier(const std::string& interface);

/// Waits until both have a carrier, steers the packets of both to their ports.
void connect(End& near, End& far);

/// Every frame of the packet memory is in one place, and every one that the program redirected is
/// accounted for. `in_kernel` frames may be in none: drivers hold what they receive into.
void expect_conserved(const End& end, std::uint32_t in_kernel = 0);

}  // namespace valinor::packet_io::afxdp
