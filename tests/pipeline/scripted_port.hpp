/// A port whose frames, and whose room for sending, the test decides on.
#pragma once

#include <algorithm>
#include <cstring>
#include <deque>
#include <map>
#include <span>
#include <vector>

#include "packet_io/frame.hpp"
#include "support/packet_builder.hpp"

namespace valinor::test {

class ScriptedPort {
 public:
  static constexpr bool kStampsArrival = true;
  static constexpr std::uint32_t kHeadroom = 2048;

  std::deque<Frame> incoming;
  HostTime now;  // arrival of what is received next
  std::size_t transmit_room = 1000;
  std::vector<Frame> sent;
  std::map<std::byte*, int>* held = &own_held;  // memory -> frames in the worker's hands there
  std::size_t flushes = 0;

  ScriptedPort() : memory_(packet_io::kMaxBurst) {
    sent.reserve(1000);
    for (auto& one : memory_) one.resize(kHeadroom + 2048);
  }

  std::size_t receive(std::span<packet_io::Frame> frames) noexcept {
    std::size_t count = 0;
    for (; count < frames.size() && !incoming.empty(); ++count) {
      std::byte* data = memory_[count].data() + kHeadroom;
      std::memcpy(data, incoming.front().data(), incoming.front().size());
      const auto bytes = static_cast<std::uint32_t>(incoming.front().size());
      incoming.pop_front();
      frames[count] = {.data = data,
                       .bytes = bytes,
                       .wire_bytes = bytes,
                       .headroom = kHeadroom,
                       .address = reinterpret_cast<std::uint64_t>(data),
                       .arrival = now};
      ++(*held)[data];
    }
    return count;
  }
  std::size_t transmit(std::span<const packet_io::Frame> frames) noexcept {
    const std::size_t taken = std::min(frames.size(), transmit_room);
    for (const auto& frame : frames.first(taken)) {
      sent.emplace_back(frame.data, frame.data + frame.bytes);
      give_back(frame);
    }
    transmit_room -= taken;
    return taken;
  }
  void recycle(std::span<const packet_io::Frame> frames) noexcept {
    for (const auto& frame : frames) give_back(frame);
  }
  void flush() noexcept { ++flushes; }
  [[nodiscard]] bool at_end() const noexcept { return incoming.empty(); }
  [[nodiscard]] std::uint32_t waiting_to_leave() const noexcept { return 7; }
  static void wait(std::span<ScriptedPort* const>) noexcept {}

  [[nodiscard]] bool all_given_back() const {
    return std::all_of(held->begin(), held->end(), [](const auto& one) { return one.second == 0; });
  }

 private:
  void give_back(const packet_io::Frame& frame) {
    --(*held)[reinterpret_cast<std::byte*>(frame.address)];
  }

  std::map<std::byte*, int> own_held;
  std::vector<Frame> memory_;
};

}  // namespace valinor::test
