#include "packet_io/afxdp/umem.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <stdexcept>

#include "base/failure.hpp"

namespace valinor::packet_io::afxdp {
namespace {

/// Ethernet header and two VLAN tags.
constexpr std::uint32_t kLinkBytes = 14 + 8;

/// RFC 8200, section 5: IPv6 needs links of at least this MTU, so no smaller one is advised.
constexpr std::uint32_t kSmallestUsefulMtu = 1280;

}  // namespace

Umem::Umem(const UmemConfig& config)
    : frames_{config.frames},
      frame_size_{config.frame_size},
      extra_headroom_{config.headroom},
      memory_{Mapping::anonymous(
          std::size_t{config.frames} * config.frame_size,
          fmt::format("map {} frames of {} bytes for packets", config.frames, config.frame_size))} {
  // The config reader has said so to the user; here it only keeps start_of() honest.
  if (!std::has_single_bit(frame_size_)) throw std::invalid_argument{"frame_size: no power of two"};
}

std::uint32_t largest_mtu(const UmemConfig& config) noexcept {
  return config.frame_size - kHeadroom - config.headroom - kLinkBytes;
}

void require_mtu_fits(const Interface& interface, const UmemConfig& config) {
  const std::uint32_t headroom = kHeadroom + config.headroom;
  const std::uint32_t largest = largest_mtu(config);
  if (interface.mtu <= largest) return;
  const std::string lower =
      fmt::format("ip link set {} mtu {}", interface.name, std::min(1500u, largest));
  throw Failure{
      ExitStatus::host_not_ready,
      {.code = "XSK-MTU-01",
       .what =
           fmt::format("{}: packets may be larger than a frame of packet memory", interface.name),
       .why = fmt::format("MTU is {}; umem.frame_size {} less {} bytes of headroom and {} of "
                          "Ethernet and VLAN headers leaves {}",
                          interface.mtu, config.frame_size, headroom, kLinkBytes, largest),
       .next = config.frame_size < 4096
                   ? "set umem.frame_size: 4096" +
                         (largest < kSmallestUsefulMtu ? "" : "    or:  " + lower)
                   : lower}};
}

}  // namespace valinor::packet_io::afxdp
