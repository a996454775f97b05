#include "packet_io/replay/replay_port.hpp"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <thread>

#include "packet_io/port.hpp"
#include "wire/headers.hpp"

namespace valinor::packet_io::replay {

static_assert(Port<ReplayPort>);

namespace {
// As the kernel leaves in front of a received frame (XDP_PACKET_HEADROOM), for headers we insert.
constexpr std::uint32_t kHeadroom = 256;

// A cooked frame grows by less than an Ethernet header when it is rebuilt.
constexpr std::size_t kFrameRoom = kHeadroom + kMaxCapturedBytes + sizeof(wire::EthernetHeader);

// Between two looks for room. Longer: a record ring may run empty meanwhile (16 MiB are 15 ms of
// what a worker makes of a capture). Shorter: needless wake-ups while a store is away.
constexpr std::chrono::milliseconds kRoomPause{1};
}  // namespace

ReplayPort::ReplayPort(const std::string& in_path, const std::optional<std::string>& out_path,
                       Room room)
    : reader_{in_path},
      memory_{std::make_unique<std::byte[]>(kMaxBurst * kFrameRoom)},
      room_{std::move(room)} {
  if (out_path) writer_.emplace(*out_path);
  free_.reserve(kMaxBurst);
  for (std::size_t i = 0; i < kMaxBurst; ++i) free_.push_back(i * kFrameRoom);
}

std::size_t ReplayPort::receive(std::span<Frame> frames) noexcept {
  const std::size_t most = room_ ? std::min(room_(), frames.size()) : frames.size();
  std::size_t count = 0;
  while (count < most && !free_.empty()) {
    const auto captured = reader_.next();
    if (!captured) {
      at_end_ = true;
      break;
    }
    const std::uint64_t address = free_.back();
    free_.pop_back();
    std::byte* data = memory_.get() + address + kHeadroom;
    std::memcpy(data, captured->bytes.data(), captured->bytes.size());
    frames[count++] = {.data = data,
                       .bytes = static_cast<std::uint32_t>(captured->bytes.size()),
                       .wire_bytes = captured->wire_bytes,
                       .headroom = kHeadroom,
                       .address = address,
                       .arrival = captured->time};
  }
  return count;
}

std::size_t ReplayPort::transmit(std::span<const Frame> frames) noexcept {
  for (const Frame& frame : frames) {
    if (writer_) writer_->write({frame.data, frame.bytes}, frame.wire_bytes, frame.arrival);
  }
  sent_ += frames.size();
  recycle(frames);
  return frames.size();
}

void ReplayPort::wait(std::span<ReplayPort* const>) noexcept {
  std::this_thread::sleep_for(kRoomPause);
}

void ReplayPort::recycle(std::span<const Frame> frames) noexcept {
  for (const Frame& frame : frames) free_.push_back(frame.address);
}

}  // namespace valinor::packet_io::replay
