#include "packet_io/afxdp/umem.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <bit>
#include <stdexcept>
#include <string_view>

#include "base/failure.hpp"
#include "base/numbers.hpp"

namespace valinor::packet_io::afxdp {
namespace {

/// Ethernet header and two VLAN tags.
constexpr std::uint32_t kLinkBytes = 14 + 8;

/// RFC 8200, section 5: IPv6 needs links of at least this MTU, so no smaller one is advised.
constexpr std::uint32_t kSmallestUsefulMtu = 1280;

constexpr std::uint32_t kSmallFrame = 2048;
constexpr std::uint32_t kLargeFrame = 4096;

/// Drivers that receive into pieces of 2048 bytes without fault; veth never does without a copy.
constexpr std::array<std::string_view, 5> kTakeSmallFrames{"i40e", "ice", "igc", "ixgbe", "veth"};

std::uint64_t page_bytes() { return static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE)); }

}  // namespace

Umem::Umem(const UmemConfig& config)
    : frames_{config.frames},
      frame_size_{config.frame_size},
      extra_headroom_{config.headroom},
      wished_node_{config.numa_node},
      memory_{map_packet_memory(std::uint64_t{config.frames} * config.frame_size, config)} {
  // The config reader has said so to the user; here it only keeps start_of() honest.
  if (!std::has_single_bit(frame_size_)) throw std::invalid_argument{"frame_size: no power of two"};
}

std::uint64_t Umem::huge_bytes() const noexcept { return std::min(memory_.huge_bytes, bytes()); }

std::string Umem::describe() const {
  const bool all_huge = huge_bytes() == bytes();
  std::string pages = all_huge ? "2 MiB pages" : fmt::format("{} KiB pages", page_bytes() / 1024);
  if (all_huge && !memory_.has_reserved_pages) pages += ", transparent";
  if (!all_huge && huge_bytes() != 0) pages = fmt::format("{} in 2 MiB pages", huge_bytes() / kMiB);
  if (wished_node_ && memory_.node) {
    pages += fmt::format(", NUMA node {}", *memory_.node);
    if (wished_node_ != memory_.node) pages += fmt::format(", not the NIC's {}", *wished_node_);
  }
  return fmt::format("{} MiB ({})", (bytes() + kMiB - 1) / kMiB, pages);
}

std::uint32_t choose_frame_size(const Interface& interface, Mode mode,
                                const UmemConfig& config) noexcept {
  if (config.frame_size != 0) return config.frame_size;
  UmemConfig small = config;
  small.frame_size = kSmallFrame;
  const bool copies = mode == Mode::copy || mode == Mode::skb;
  const bool takes_small = copies || std::find(kTakeSmallFrames.begin(), kTakeSmallFrames.end(),
                                               interface.driver) != kTakeSmallFrames.end();
  return takes_small && interface.mtu <= largest_mtu(small) ? kSmallFrame : kLargeFrame;
}

std::uint32_t largest_mtu(const UmemConfig& config) noexcept {
  return config.frame_size - kHeadroom - config.headroom - kLinkBytes;
}

void require_mtu_fits(const Interface& interface, const UmemConfig& config,
                      const std::string& why_not_several) {
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
                          "Ethernet and VLAN headers leaves {}{}{}",
                          interface.mtu, config.frame_size, headroom, kLinkBytes, largest,
                          why_not_several.empty() ? "" : ";\n", why_not_several),
       .next = config.frame_size < 4096
                   ? "set umem.frame_size: 4096" +
                         (largest < kSmallestUsefulMtu ? "" : "    or:  " + lower)
                   : lower}};
}

}  // namespace valinor::packet_io::afxdp
