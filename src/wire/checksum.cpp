#include "wire/checksum.hpp"

#include "wire/be.hpp"

namespace valinor::wire {

std::uint16_t ones_complement_sum(Bytes bytes, std::uint32_t start) noexcept {
  std::uint64_t sum = start;
  const std::byte* at = bytes.data();
  std::size_t left = bytes.size();
  for (; left >= 4; at += 4, left -= 4) sum += load_be<4>(at);
  if (left >= 2) {
    sum += load_be<2>(at);
    at += 2;
    left -= 2;
  }
  if (left == 1) sum += static_cast<std::uint64_t>(*at) << 8;
  while (sum >> 16 != 0) sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<std::uint16_t>(sum);
}

}  // namespace valinor::wire
