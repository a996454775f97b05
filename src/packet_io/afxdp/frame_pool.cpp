#include "packet_io/afxdp/frame_pool.hpp"

namespace valinor::packet_io::afxdp {

FramePool::FramePool(const UmemConfig& config) : memory_{config} {
  free_.reserve(memory_.frames());
  reset();
}

void FramePool::reset() noexcept {
  free_.clear();
  for (std::uint32_t i = memory_.frames(); i-- > 0;) {
    free_.push_back(std::uint64_t{i} * memory_.frame_size());
  }
  chains_.reset();
  in_worker_ = 0;
}

}  // namespace valinor::packet_io::afxdp
