/// Packet memory of one queue: `frames` pieces of `frame_size` bytes, shared with the kernel.
/// An address is the offset from its start. Immutable after construction: any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "packet_io/afxdp/config.hpp"
#include "packet_io/afxdp/interface.hpp"
#include "packet_io/afxdp/packet_memory.hpp"

namespace valinor::packet_io::afxdp {

/// The kernel leaves at least this much in front of each received frame (XDP_PACKET_HEADROOM): room
/// for headers that are inserted. UmemConfig::headroom comes on top.
inline constexpr std::uint32_t kHeadroom = 256;

class Umem {
 public:
  /// `config.frame_size` has been chosen. Throws as map_packet_memory() does.
  explicit Umem(const UmemConfig& config);

  [[nodiscard]] std::byte* at(std::uint64_t address) const noexcept {
    return memory_.mapping.data() + address;
  }
  [[nodiscard]] std::uint64_t address_of(const std::byte* data) const noexcept {
    return static_cast<std::uint64_t>(data - memory_.mapping.data());
  }
  /// The address of the frame's first byte.
  [[nodiscard]] std::uint64_t start_of(std::uint64_t address) const noexcept {
    return address & ~(std::uint64_t{frame_size_} - 1);
  }
  /// Whether it lies in here at all: the kernel gives back what it was given, even nonsense.
  [[nodiscard]] bool holds(std::uint64_t address) const noexcept { return address < bytes(); }
  /// Whether `count` bytes at `address` lie in one frame.
  [[nodiscard]] bool fits(std::uint64_t address, std::uint32_t count) const noexcept {
    return holds(address) && count <= frame_size_ &&
           address - start_of(address) <= frame_size_ - count;
  }

  [[nodiscard]] std::uint64_t bytes() const noexcept {
    return std::uint64_t{frames_} * frame_size_;
  }
  [[nodiscard]] std::uint32_t frames() const noexcept { return frames_; }
  [[nodiscard]] std::uint32_t frame_size() const noexcept { return frame_size_; }
  /// What is asked of the kernel besides kHeadroom.
  [[nodiscard]] std::uint32_t extra_headroom() const noexcept { return extra_headroom_; }
  /// In front of each frame, all told.
  [[nodiscard]] std::uint32_t headroom() const noexcept { return kHeadroom + extra_headroom_; }

  /// Its configuration, as far as the kernel was told.
  [[nodiscard]] UmemConfig shape() const {
    return {.frames = frames_, .frame_size = frame_size_, .headroom = extra_headroom_};
  }

  /// Of these bytes, those in pages of 2 MiB: all or none of them but for transparent ones.
  [[nodiscard]] std::uint64_t huge_bytes() const noexcept;
  /// The NUMA node of its first byte; nothing where the kernel does not say.
  [[nodiscard]] std::optional<int> node() const noexcept { return memory_.node; }
  /// "32 MiB (2 MiB pages, NUMA node 1)"; the node only where one was wished for.
  [[nodiscard]] std::string describe() const;

 private:
  std::uint32_t frames_;
  std::uint32_t frame_size_;
  std::uint32_t extra_headroom_;
  std::optional<int> wished_node_;
  PacketMemory memory_;
};

/// config.frame_size; where that is automatic, the smaller size if a full packet fits it and the
/// driver is known to work with it: i40e, ice, igc and ixgbe are, and so is each that copies, as
/// veth does and `mode` may say. Else a page, which every driver takes.
[[nodiscard]] std::uint32_t choose_frame_size(const Interface& interface, Mode mode,
                                              const UmemConfig& config) noexcept;

/// The MTU of which a packet with two VLAN tags just fits a frame.
[[nodiscard]] std::uint32_t largest_mtu(const UmemConfig& config) noexcept;

/// Throws Failure (XSK-MTU-01) where a full-size packet with two VLAN tags does not fit a frame:
/// the kernel would drop those one by one. `why_not_several` says why it may not be several frames.
void require_mtu_fits(const Interface& interface, const UmemConfig& config,
                      const std::string& why_not_several = {});

/// Whether packets of this interface may be larger than a frame.
[[nodiscard]] inline bool is_larger_than_frame(const Interface& interface,
                                               const UmemConfig& config) noexcept {
  return interface.mtu > largest_mtu(config);
}

/// Whether its driver may want an XDP program that takes packets of several buffers, be they of our
/// frames or of its own: Intel's do from an MTU of 3046 on, veth from 3499 on.
[[nodiscard]] inline bool may_need_fragments(const Interface& interface,
                                             const UmemConfig& config) noexcept {
  constexpr std::uint32_t kEveryDriverTakes = 3000;
  return interface.mtu > kEveryDriverTakes || is_larger_than_frame(interface, config);
}

}  // namespace valinor::packet_io::afxdp
