#include "doctor/known_bad.hpp"

#include <fmt/format.h>

#include <bit>
#include <string_view>

namespace valinor::doctor {
namespace {

using packet_io::afxdp::Mode;
using packet_io::afxdp::PollMode;

using Applies = bool (*)(const NicFacts&, const Wanted&);

struct KnownBad {
  std::string_view driver;
  KernelVersion from, before;  // kernels; {} is no bound
  Level level;
  Applies applies;
  const char* text;
  const char* command;
  const char* source;
};

bool may_be_zerocopy(const NicFacts& nic, const Wanted& wanted) {
  const bool can = !nic.xdp || nic.xdp->can(nic::XdpAct::xsk_zerocopy);
  return can &&
         (wanted.interface.mode == Mode::automatic || wanted.interface.mode == Mode::zerocopy);
}

bool may_be_native(const NicFacts&, const Wanted& wanted) {
  return wanted.interface.mode != Mode::skb;
}

bool has_few_spare_channels(const NicFacts& nic, const Wanted& wanted) {
  return may_be_native(nic, wanted) && nic.channels &&
         2 * nic.channels->now.receive() > nic.channels->most.receive();
}

bool has_odd_rings(const NicFacts& nic, const Wanted& wanted) {
  return may_be_zerocopy(nic, wanted) && nic.rings &&
         !(std::has_single_bit(nic.rings->now.rx) && std::has_single_bit(nic.rings->now.tx));
}

bool has_small_frames(const NicFacts& nic, const Wanted& wanted) {
  return may_be_zerocopy(nic, wanted) && wanted.interface.umem.frame_size < 4096;
}

bool spins(const NicFacts& nic, const Wanted& wanted) {
  return may_be_zerocopy(nic, wanted) && wanted.interface.poll == PollMode::busy;
}

constexpr KnownBad kKnownBad[]{
    {"ice",
     {},
     {6, 11, 0},
     Level::warning,
     may_be_zerocopy,
     "opening or closing zero-copy sockets while the NIC sends may end in a reset of the NIC or a "
     "crash",
     "a kernel with the fixes (Linux 6.11, or a backport)    or:  interfaces[].mode: copy",
     "github.com/intel/ethernet-linux-ice/issues/61"},
    {"ice",
     {5, 19, 0},
     {},
     Level::failure,
     has_odd_rings,
     "zero-copy sockets need hardware rings whose sizes are powers of two",
     "ethtool -G {} rx 2048 tx 2048",
     "Linux, drivers/net/ethernet/intel/ice/ice_xsk.c: \"Please align ring sizes to power of 2\""},
    {"mlx5_core",
     {},
     {6, 1, 0},
     Level::failure,
     may_be_zerocopy,
     "zero-copy sockets receive on queues N to 2N-1 of N channels, not on those that RSS fills",
     "Linux 6.1    or:  interfaces[].mode: copy",
     "Linux, commits 3db4c85cde7a and 11abca031ee3"},
    {"igb",
     {},
     {},
     Level::failure,
     has_small_frames,
     "with frames of 2048 bytes, packets larger than 1024 arrive cut in pieces",
     "interfaces[].umem.frame_size: 4096",
     "measured with QEMU's igb on Linux 6.18 to 7.3"},
    {"ixgbe",
     {6, 14, 0},
     {},
     Level::warning,
     spins,
     "busy polling of zero-copy sockets was seen to stall at high rates",
     "interfaces[].poll.mode: wakeup    if it does",
     "github.com/xdp-project/bpf-examples/issues/138"},
    {"ixgbe",
     {},
     {},
     Level::warning,
     may_be_native,
     "attaching and detaching the XDP program interrupts the link for seconds",
     "start before the link is needed",
     "github.com/highpps/xdpcookie/issues/5"},
    {"ena",
     {},
     {},
     Level::failure,
     has_few_spare_channels,
     "native XDP is refused while more than half of the channels are in use",
     "ethtool -L {} combined N    with N at most half of the maximum",
     "Linux, drivers/net/ethernet/amazon/ena: \"the Rx/Tx channel count should be at most half\""},
    {"gve",
     {},
     {},
     Level::failure,
     has_few_spare_channels,
     "native XDP is refused while more than half of the queues are in use",
     "ethtool -L {} rx N tx N    with N at most half of the maximum",
     "github.com/firezone/firezone/pull/8538"},
    {"virtio_net",
     {},
     {5, 13, 0},
     Level::failure,
     has_few_spare_channels,
     "native XDP is refused without a spare transmit queue for each CPU",
     "ethtool -L {} combined 1    or more queues from the hypervisor",
     "github.com/xdp-project/xdp-tutorial/issues/277"},
    {"virtio_net",
     {5, 13, 0},
     {},
     Level::warning,
     has_few_spare_channels,
     "without a spare transmit queue for each CPU, sending takes a lock",
     "more queues from the hypervisor (queues=, vectors=)",
     "github.com/gen0sec/synapse/issues/18"},
};

bool is_of_kernel(const KnownBad& one, const KernelVersion& kernel) {
  const bool is_old = one.before != KernelVersion{} && kernel >= one.before;
  return kernel >= one.from && !is_old;
}

}  // namespace

void judge_known_bad(const NicFacts& nic, const Wanted& wanted, const HostFacts& host,
                     Diagnoses& out) {
  for (const KnownBad& one : kKnownBad) {
    if (one.driver != nic.driver.driver || !is_of_kernel(one, host.kernel) ||
        !one.applies(nic, wanted)) {
      continue;
    }
    out.push_back({one.level, "known", fmt::format("{}: {} ({})", one.driver, one.text, one.source),
                   fmt::format(fmt::runtime(one.command), nic.name)});
  }
}

}  // namespace valinor::doctor
