#include "app/generate_kernel.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <limits>
#include <string>
#include <thread>
#include <utility>

#include "base/numbers.hpp"
#include "nic/device.hpp"
#include "nic/link.hpp"
#include "nic/xdp_features.hpp"
#include "traffic/departures.hpp"
#include "traffic/live_frames.hpp"
#include "wire/headers.hpp"

namespace valinor::app {
namespace {

using std::chrono::steady_clock;

constexpr std::uint64_t kNoBound = std::numeric_limits<std::uint64_t>::max();

/// With a rate the last packet may be so late: then it is the rate that cannot be held.
constexpr std::chrono::milliseconds kLatest{100};

/// How long an interface that has just been switched on may take until it is connected.
constexpr std::chrono::seconds kLinkPatience{2};

/// Between two looks whether all is made, or counted.
constexpr std::chrono::milliseconds kLook{1};

/// How long the interface may take to count what it was given.
constexpr std::chrono::seconds kCountPatience{2};

constexpr const char* kVeth = "veth";

/// `known`: the kernel itself has said so; else the interface has counted no frame as sent.
[[noreturn]] void refuse(const nic::Device& device, const nic::Link& link, bool known) {
  const bool is_veth = link.kind == kVeth;
  throw Failure{
      ExitStatus::host_not_ready,
      {.code = "GEN-KERNEL-01",
       .what = device.name() + " takes no frames from BPF programs",
       .why = is_veth ? "a veth takes them only while its other end has an XDP program, or has got "
                        "GRO while it was up"
              : known ? "its driver does not offer that, or not as it is set now"
                      : "it has counted none as sent: its driver does not offer that, or counts "
                        "them apart (ethtool -S)",
       .next = (is_veth ? "ethtool -K PEER gro on    at the other end; or " : "") +
               std::string{"gen without --kernel, which sends by AF_XDP"}}};
}

/// Kernel and driver drop frames for an interface that is down, and tell nobody. Throws Failure
/// (IF-DOWN-01); a signal ends the wait for its link.
nic::Link require_link(const nic::Device& device, Signals& signals) {
  const auto deadline = steady_clock::now() + kLinkPatience;
  nic::Link link = nic::link_of(device);
  while (link.up && !link.carrier && steady_clock::now() < deadline &&
         signals.wait(kLook).empty()) {
    link = nic::link_of(device);
  }
  if (link.up && link.carrier) return link;
  const bool is_veth = link.kind == kVeth;
  Finding finding{.code = "IF-DOWN-01",
                  .what = device.name() + " is switched off",
                  .why = "the kernel drops what it is to send",
                  .next = fmt::format("ip link set {} up", device.name())};
  if (link.up) {
    finding.what = device.name() + " is not connected";
    finding.why = is_veth ? "its other end is switched off"
                          : "it has no carrier: no cable, or the other end is switched off";
    finding.next = is_veth ? "ip link set PEER up    at the other end"
                           : fmt::format("ethtool {}    tells of its link", device.name());
  }
  throw Failure{ExitStatus::host_not_ready, std::move(finding)};
}

/// Whichever bound comes first.
std::uint64_t packets_in_all(const GenCommand& command) {
  std::uint64_t packets = command.count == 0 ? kNoBound : command.count;
  if (!command.pattern || command.duration.count() == 0) return packets;
  const traffic::PatternConfig& pattern = *command.pattern;
  const std::uint64_t burst = pattern.pattern == traffic::Pattern::incast ? pattern.burst : 1;
  const std::uint64_t due =
      traffic::packets_before(pattern.packets_per_second, Nanos{command.duration});
  return std::min(packets, (due + burst - 1) / burst * burst);
}

/// Of `made` frames, as soon as all are counted; or what is, once patience ends.
std::uint64_t await_sent(const nic::Device& device, std::uint64_t before, std::uint64_t made) {
  const auto deadline = steady_clock::now() + kCountPatience;
  for (;;) {
    const std::uint64_t sent = nic::link_of(device).sent_packets - before;
    if (sent >= made || steady_clock::now() >= deadline) return std::min(sent, made);
    std::this_thread::sleep_for(kLook);
  }
}

/// Prints what is known of the frames that were `made`. `counted`: by the interface meanwhile.
ExitStatus report_made(const nic::Device& device, const nic::Link& link, std::uint64_t made,
                       std::uint64_t counted, double seconds) {
  // Some drivers count redirected frames elsewhere; what they have counted are then others.
  const bool counts_them = link.kind == kVeth || counted * 2 >= made;
  if (counts_them) return report_sent(made, counted, seconds);
  fmt::print("made     {} packets in {}\n", with_commas(made), describe_rate(made, seconds));
  fmt::print("         {} has counted {} as sent: it refused the others, or counts them apart\n",
             device.name(), counted == 0 ? "none" : with_commas(counted));
  fmt::print("         ethtool -S {}    may tell how many have left\n", device.name());
  std::fflush(stdout);
  return ExitStatus::done;
}

}  // namespace

ExitStatus generate_by_kernel(const GenCommand& command, const traffic::FrameTemplates& frames,
                              Signals& signals) {
  const nic::Device device{command.target};
  nic::Link link = nic::link_of(device);
  require_frame_fits(frames.frame_bytes(), link.mtu + sizeof(wire::EthernetHeader),
                     fmt::format("{} with its MTU of {}", device.name(), link.mtu));
  require_frame_fits(frames.frame_bytes(), traffic::kLargestLiveFrame, "gen --kernel");

  // By this the kernel itself goes. Before 6.3 it does not say, and only what is sent shows.
  const auto features = nic::xdp_features(device);
  if (features && !features->can(nic::XdpAct::ndo_xmit)) refuse(device, link, true);

  link = require_link(device, signals);

  const std::uint64_t packets = packets_in_all(command);
  traffic::LiveFrames live{frames,
                           {.interface = device.index(),
                            .pattern = command.pattern,
                            .count = packets == kNoBound ? 0 : packets}};
  live.start();
  // With a rate the number of packets is the bound.
  const auto longest = command.duration + (command.pattern ? kLatest : Nanos{0});
  while (!live.is_over() && (command.duration.count() == 0 || live.lasted() < longest)) {
    if (!signals.wait(kLook).empty()) break;
  }
  live.stop();
  const std::uint64_t counted = await_sent(device, link.sent_packets, live.made());
  if (!features && counted == 0 && live.made() != 0) refuse(device, link, false);
  return report_made(device, link, live.made(), counted,
                     std::chrono::duration<double>(live.lasted()).count());
}

}  // namespace valinor::app
