#include "packet_io/afxdp/tx_metadata.hpp"

#include <cstddef>
#include <cstring>

namespace valinor::packet_io::afxdp {
namespace {

/// struct xsk_tx_metadata as we write it. Linux before 6.14 knows no launch time and reads less.
struct Request {
  std::uint64_t flags = 0;
  std::uint16_t checksum_start = 0;
  std::uint16_t checksum_offset = 0;
  std::uint32_t padding = 0;
  std::uint64_t launch_ns = 0;
};
static_assert(sizeof(Request) == kTxMetadataBytes);

/// The time of leaving is written over what was asked; where nobody answers, that stays.
constexpr std::size_t kAnswerOffset = offsetof(Request, checksum_start);

/// The year 2116. Later times could not be added to without overflow; they count as none.
constexpr std::uint64_t kEndOfTime = std::uint64_t{1} << 62;

}  // namespace

TxMetadata::TxMetadata(const Umem& umem, const TxMetadataWishes& granted)
    : umem_{umem}, granted_{granted}, pending_(umem.frames()) {
  departures_.reserve(umem.frames());
}

std::uint32_t TxMetadata::request(const Frame& frame, std::uint64_t address) noexcept {
  Pending& pending = pending_[address / umem_.frame_size()];
  pending.address = kNone;
  Request request;
  if (granted_.time) request.flags |= tx_kernel::kTimestamp;
  if (granted_.checksum && frame.checksum_offset != 0) {
    request.flags |= tx_kernel::kChecksum;
    request.checksum_start = frame.checksum_start;
    request.checksum_offset = frame.checksum_offset;
  }
  if (granted_.launch_time && frame.launch_ns != 0) {
    request.flags |= tx_kernel::kLaunchTime;
    request.launch_ns = frame.launch_ns;
  }
  if (request.flags == 0 || address - umem_.start_of(address) < sizeof request) return 0;
  std::memcpy(umem_.at(address) - sizeof request, &request, sizeof request);
  if (granted_.time) pending = {address, read_answer(address), frame.arrival};
  return tx_kernel::kDescribed;
}

void TxMetadata::completed(std::uint64_t address) noexcept {
  if (!umem_.holds(address)) return;
  Pending& pending = pending_[address / umem_.frame_size()];
  if (pending.address != address) return;
  pending.address = kNone;
  if (departures_.size() == departures_.capacity()) return;
  const std::uint64_t answer = read_answer(address);
  const bool answered = answer != pending.asked && answer < kEndOfTime;
  departures_.push_back({.arrival = pending.arrival,
                         .time = answered ? Nanos{static_cast<std::int64_t>(answer)} : Nanos{0}});
}

std::uint64_t TxMetadata::read_answer(std::uint64_t address) const noexcept {
  std::uint64_t answer = 0;
  std::memcpy(&answer, umem_.at(address) - kTxMetadataBytes + kAnswerOffset, sizeof answer);
  return answer;
}

}  // namespace valinor::packet_io::afxdp
