#include "app/generate_kernel.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <limits>
#include <string>
#include <thread>

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

/// Between two looks whether all is made, or counted.
constexpr std::chrono::milliseconds kLook{1};

/// How long the interface may take to count what it was given.
constexpr std::chrono::seconds kCountPatience{2};

[[noreturn]] void refuse(const nic::Device& device, const nic::Link& link) {
  const bool is_veth = link.kind == "veth";
  throw Failure{
      ExitStatus::host_not_ready,
      {.code = "GEN-KERNEL-01",
       .what = device.name() + " takes no frames from BPF programs",
       .why = is_veth ? "a veth takes them only while its other end has an XDP program, or has got "
                        "GRO while it was up"
                      : "its driver does not offer that, or not as it is set now",
       .next = (is_veth ? "ethtool -K PEER gro on    at the other end; or " : "") +
               std::string{"gen without --kernel, which sends by AF_XDP"}}};
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

}  // namespace

ExitStatus generate_by_kernel(const GenCommand& command, const traffic::FrameTemplates& frames,
                              Signals& signals) {
  const nic::Device device{command.target};
  const nic::Link link = nic::link_of(device);
  require_frame_fits(frames.frame_bytes(), link.mtu + sizeof(wire::EthernetHeader),
                     fmt::format("{} with its MTU of {}", device.name(), link.mtu));
  require_frame_fits(frames.frame_bytes(), traffic::kLargestLiveFrame, "gen --kernel");

  // By this the kernel itself goes. Before 6.3 it does not say, and only what is sent shows.
  const auto features = nic::xdp_features(device);
  if (features && !features->can(nic::XdpAct::ndo_xmit)) refuse(device, link);

  const std::uint64_t packets = packets_in_all(command);
  traffic::LiveFrames live{frames,
                           {.interface = device.index(),
                            .pattern = command.pattern,
                            .count = packets == kNoBound ? 0 : packets}};
  live.start();
  const auto begin = steady_clock::now();
  const auto elapsed = [&] { return steady_clock::now() - begin; };
  // With a rate the number of packets is the bound.
  const auto longest = command.duration + (command.pattern ? kLatest : Nanos{0});
  while (!live.is_over() && (command.duration.count() == 0 || elapsed() < longest)) {
    if (!signals.wait(kLook).empty()) break;
  }
  const double seconds = std::chrono::duration<double>(elapsed()).count();
  live.stop();
  const std::uint64_t left = await_sent(device, link.sent_packets, live.made());
  if (left != 0 || live.made() == 0) return report_sent(live.made(), left, seconds);
  if (!features) refuse(device, link);
  // Some drivers count redirected frames elsewhere: `ethtool -S`.
  const ExitStatus status = report_sent(live.made(), live.made(), seconds);
  fmt::print("         as handed to the driver: {} does not count them as sent\n", device.name());
  return status;
}

}  // namespace valinor::app
