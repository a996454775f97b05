/// The seam between packets and what is done with them: a Worker is compiled once for each port.
///
///   receive() -> frames in the worker's hands -> transmit() or recycle() -> the port's again
///
/// Every frame that receive() hands out goes back by exactly one of the other two; by those of
/// another port, if the two share packet memory. One thread calls all of them.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>

#include "base/drop_reason.hpp"
#include "packet_io/frame.hpp"

namespace valinor::packet_io {

// clang-format 14 breaks such lines in two.
// clang-format off
template <class P>
concept Port = requires(P port, std::span<Frame> frames, std::span<const Frame> done,
                        std::span<P* const> ports) {
  /// Whether received frames carry their time of arrival (a capture file does).
  { P::kStampsArrival } -> std::convertible_to<bool>;

  /// Fills `frames` from the front; answers how many. Never waits.
  { port.receive(frames) } noexcept -> std::same_as<std::size_t>;

  /// Takes frames for sending, from the front, in order; answers how many. The rest found no room
  /// and stays the caller's.
  { port.transmit(done) } noexcept -> std::same_as<std::size_t>;

  /// Takes frames back for receiving.
  { port.recycle(done) } noexcept;

  /// Pushes out what transmit() took and collects what was sent; once per turn, also idle ones.
  { port.flush() } noexcept;

  /// Nothing more will be received: the end of a capture.
  { port.at_end() } noexcept -> std::same_as<bool>;

  /// Frames taken for sending that have not left yet.
  { port.waiting_to_leave() } noexcept -> std::same_as<std::uint32_t>;

  /// Sleeps until one of a worker's ports may have frames, its thread is called, or 100 ms have
  /// passed.
  { P::wait(ports) } noexcept;
};
// clang-format on

}  // namespace valinor::packet_io
