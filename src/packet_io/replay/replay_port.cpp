#include "packet_io/replay/replay_port.hpp"

#include <cstring>

#include "packet_io/port.hpp"
#include "wire/headers.hpp"

namespace valinor::packet_io::replay {

static_assert(Port<ReplayPort>);

namespace {
// As the kernel leaves in front of a received frame (XDP_PACKET_HEADROOM), for headers we insert.
constexpr std::uint32_t kHeadroom = 256;

// A cooked frame grows by less than an Ethernet header when it is rebuilt.
constexpr std::size_t kFrameRoom = kHeadroom + kMaxCapturedBytes + sizeof(wire::EthernetHeader);
}  // namespace

ReplayPort::ReplayPort(const std::string& in_path, const std::optional<std::string>& out_path)
    : reader_{in_path}, memory_{std::make_unique<std::byte[]>(kMaxBurst * kFrameRoom)} {
  if (out_path) writer_.emplace(*out_path);
  free_.reserve(kMaxBurst);
  for (std::size_t i = 0; i < kMaxBurst; ++i) free_.push_back(i * kFrameRoom);
}

std::size_t ReplayPort::receive(std::span<Frame> frames) noexcept {
  std::size_t count = 0;
  while (count < frames.size() && !free_.empty()) {
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

void ReplayPort::recycle(std::span<const Frame> frames) noexcept {
  for (const Frame& frame : frames) free_.push_back(frame.address);
}

}  // namespace valinor::packet_io::replay
