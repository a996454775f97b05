#include "telemetry/edit/reflect.hpp"

#include <algorithm>
#include <cstddef>

#include "wire/headers.hpp"

namespace valinor::telemetry {
namespace {

/// Swaps two neighbours of `bytes` length, the first at `at`.
void swap_neighbours(std::byte* at, std::size_t bytes) noexcept {
  std::swap_ranges(at, at + bytes, at + bytes);
}

}  // namespace

void reflect(std::span<std::byte> frame, const Anatomy& anatomy) noexcept {
  swap_neighbours(frame.data(), sizeof(wire::MacAddress));
  std::byte* ip = frame.data() + anatomy.ip_offset;
  if (std::to_integer<unsigned>(ip[0]) >> 4 == 4) {
    swap_neighbours(ip + offsetof(wire::Ipv4Header, source), 4);
  } else {
    swap_neighbours(ip + offsetof(wire::Ipv6Header, source), 16);
  }
  if (anatomy.ports_offset != 0) swap_neighbours(frame.data() + anatomy.ports_offset, 2);
}

}  // namespace valinor::telemetry
