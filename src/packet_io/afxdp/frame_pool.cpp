#include "packet_io/afxdp/frame_pool.hpp"

namespace valinor::packet_io::afxdp {

FramePool::FramePool(const UmemConfig& config) : memory_{config}, free_(memory_.frames()) {
  reset();
}

void FramePool::reset() noexcept {
  for (std::uint32_t i = 0; i < memory_.frames(); ++i) {
    free_[i] = std::uint64_t{memory_.frames() - 1 - i} * memory_.frame_size();
  }
  free_count_ = memory_.frames();
  chains_.reset();
  in_worker_ = 0;
}

}  // namespace valinor::packet_io::afxdp
