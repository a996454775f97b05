/// What is asked of the kernel and the NIC for each frame that is sent, and what they answer.
///
///   packet memory   ... | request | frame ...        request() writes it, right in front of the
///   frame
///                   ... | answer  | frame ...        completed() reads it, once the frame is back
///
/// The answer is read only of a frame that was sent with a request from that very address, which is
/// noted outside of packet memory: whatever else stands there is nobody's answer. The port's
/// thread.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "packet_io/afxdp/config.hpp"
#include "packet_io/afxdp/umem.hpp"
#include "packet_io/frame.hpp"

namespace valinor::packet_io::afxdp {

/// linux/if_xdp.h of Debian 12 lacks these (Linux 6.8; launch time 6.14).
namespace tx_kernel {
inline constexpr std::uint32_t kUmemSoftwareChecksum = 1U << 1;  // XDP_UMEM_TX_SW_CSUM
inline constexpr std::uint32_t kUmemMetadata = 1U << 2;          // XDP_UMEM_TX_METADATA_LEN
inline constexpr std::uint32_t kDescribed = 1U << 1;             // XDP_TX_METADATA
inline constexpr std::uint64_t kTimestamp = 1U << 0;             // XDP_TXMD_FLAGS_...
inline constexpr std::uint64_t kChecksum = 1U << 1;
inline constexpr std::uint64_t kLaunchTime = 1U << 2;
}  // namespace tx_kernel

/// Bytes in front of a frame that belong to the request: struct xsk_tx_metadata.
inline constexpr std::uint32_t kTxMetadataBytes = 24;

class TxMetadata {
 public:
  /// `umem` outlives it. Allocates all that it ever uses.
  TxMetadata(const Umem& umem, const TxMetadataWishes& granted);

  /// Of a frame that goes to the TX ring from `address`, which lies in `umem`. Answers the options
  /// of its descriptor: 0 where there is nothing to ask, or no room to ask it.
  [[nodiscard]] std::uint32_t request(const Frame& frame, std::uint64_t address) noexcept;

  /// Of a frame that came back, or whatever address the kernel says came back.
  void completed(std::uint64_t address) noexcept;

  /// Frames that came back since the last forget(), in that order; beyond as many as there is
  /// packet memory, none are added.
  [[nodiscard]] std::span<const Departure> departures() const noexcept { return departures_; }
  void forget() noexcept { departures_.clear(); }

  [[nodiscard]] const TxMetadataWishes& granted() const noexcept { return granted_; }

 private:
  /// A frame that is on its way out with a request.
  struct Pending {
    std::uint64_t address = kNone;
    std::uint64_t asked = 0;  // what stood where the answer will
    HostTime arrival;
  };
  static constexpr std::uint64_t kNone = ~std::uint64_t{0};

  [[nodiscard]] std::uint64_t read_answer(std::uint64_t address) const noexcept;

  const Umem& umem_;
  TxMetadataWishes granted_;
  std::vector<Pending> pending_;  // of each frame of packet memory
  std::vector<Departure> departures_;
};

}  // namespace valinor::packet_io::afxdp
