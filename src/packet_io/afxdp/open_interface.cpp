#include "packet_io/afxdp/open_interface.hpp"

#include <fmt/format.h>
#include <linux/if_packet.h>
#include <sys/socket.h>

#include <algorithm>
#include <map>
#include <utility>

#include "base/failure.hpp"
#include "base/log.hpp"
#include "nic/placement.hpp"
#include "packet_io/afxdp/foreign_program.hpp"

namespace valinor::packet_io::afxdp {
namespace {

/// The map has a slot for each queue that the interface could ever have, so that `ethtool -L` does
/// not make queues that the map cannot name.
std::uint32_t queue_slots(const Interface& interface) {
  return std::max(interface.queues.receive, interface.queues.receive_maximum);
}

/// Ethernet's. Packets of this size are for frames that hold them whole.
constexpr std::uint32_t kUsualMtu = 1500;

/// A packet socket that keeps the interface promiscuous for as long as it is open: the kernel
/// counts such wishes, and forgets ours when we are gone.
UniqueFd make_promiscuous(const Interface& interface) {
  UniqueFd socket{::socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0)};  // protocol 0: receives nothing
  packet_mreq wish{};
  wish.mr_ifindex = static_cast<int>(interface.index.value());
  wish.mr_type = PACKET_MR_PROMISC;
  if (!socket ||
      ::setsockopt(socket.get(), SOL_PACKET, PACKET_ADD_MEMBERSHIP, &wish, sizeof wish) != 0) {
    throw_errno("make " + interface.name + " promiscuous");
  }
  return socket;
}

}  // namespace

struct OpenInterface::Rules {
  const wire::MatchRules& match;
  OtherTraffic other;
};

OpenInterface::OpenInterface(const InterfaceConfig& asked, const wire::MatchRules& rules,
                             OtherTraffic other, FramePools& pools)
    : config_{asked} {
  find();
  config_.umem.numa_node = nic::placement(nic::Device{config_.name}).numa_node;
  const std::vector<QueueId> queues = choose_queues(interface_, config_.queues);
  attach({rules, other});
  const SocketWishes wishes{.busy_poll_budget =
                                config_.prefer_busy_poll ? config_.busy_poll_budget : 0};
  for (const QueueId queue : queues) {
    if (pools.size() == ports_.size()) pools.push_back(std::make_unique<FramePool>(config_.umem));
    ports_.push_back(std::make_unique<AfxdpPort>(interface_, queue, *pools[ports_.size()],
                                                 config_.rings, mode_to_ask(), config_.use,
                                                 config_.transmit, wishes));
    const AfxdpPort& port = *ports_.back();
    const std::string refusal = refusal_of(port);
    log::debug("{} queue {}: AF_XDP mode {}{}{}", interface_.name, queue.value(),
               to_name(mode_of(port)), refusal.empty() ? "" : "; ", refusal);
  }
  expect_headers();
  if (config_.mode == Mode::offload) {
    filter_ = std::make_unique<OffloadProgram>(interface_, rules, config_.offload_sample);
  }
}

OpenInterface::~OpenInterface() {
  // Before the sockets go: NICs have written into the memory of closed ones.
  if (program_) program_->detach();
}

void OpenInterface::close() noexcept {
  program_->detach();
  filter_.reset();
  for (const auto& port : ports_) port->close();
  promiscuous_.reset();
}

void OpenInterface::reopen() {
  try {
    find();
    std::vector<QueueId> queues;
    queues.reserve(ports_.size());
    for (const auto& port : ports_) queues.push_back(port->queue());
    static_cast<void>(choose_queues(interface_, queues));
    attach_again();
    for (const auto& port : ports_) port->reopen(interface_, mode_to_ask());
    expect_headers();
  } catch (...) {
    close();
    throw;
  }
}

void OpenInterface::find() {
  Interface found = find_interface(config_.name);
  config_.umem.frame_size = choose_frame_size(found, config_.mode, config_.umem);
  const bool several_frames = is_larger_than_frame(found, config_.umem);
  if (several_frames && largest_mtu(config_.umem) < kUsualMtu) {
    require_mtu_fits(found, config_.umem,
                     "packets of several frames are passed on, but not edited");
  }
  if (several_frames && program_ && !takes_fragments_) {
    require_mtu_fits(found, config_.umem, "the program was started for packets of one frame");
  }
  if (!program_) takes_fragments_ = may_need_fragments(found, config_.umem);
  if (!interface_.name.empty() && found.driver != interface_.driver) {
    throw Failure{
        ExitStatus::host_not_ready,
        {.code = "IF-OTHER-01",
         .what = config_.name + " is another kind of interface than before",
         .why = fmt::format("its driver was {} and is {}", interface_.driver, found.driver),
         .next = "restart the program"}};
  }
  interface_ = std::move(found);
  if (config_.promiscuous) promiscuous_ = make_promiscuous(interface_);
}

void OpenInterface::attach(const Rules& rules) {
  const RxMetadataWishes without_driver{.driver_time = config_.metadata.driver_time};
  if (config_.mode != Mode::skb) {
    if (config_.metadata.need_driver() && try_metadata(rules)) return;
    try {
      return run_program(rules, without_driver, AttachMode::native);
    } catch (const Failure& refusal) {
      if (config_.mode != Mode::automatic || refusal.finding().code != kAttachRefused) throw;
      native_refusal_ = refusal.finding().why;
    }
  }
  if (config_.metadata.need_driver()) {
    metadata_refusal_ = "generic XDP knows nothing of what the NIC says of a frame";
  }
  run_program(rules, without_driver, AttachMode::generic);
}

void OpenInterface::run_program(const Rules& rules, const RxMetadataWishes& wishes,
                                AttachMode mode) {
  try {
    program_ = std::make_unique<RedirectProgram>(rules.match, rules.other, queue_slots(interface_),
                                                 wishes, interface_.index, takes_fragments_);
    if (config_.takeover) take_off_foreign_programs(interface_);
    program_->attach(interface_, mode);
    attach_mode_ = mode;
  } catch (const Failure& refusal) {
    const std::string& code = refusal.finding().code;
    if (!takes_fragments_ || (code != kLoadRefused && code != kAttachRefused)) throw;
    if (is_larger_than_frame(interface_, config_.umem)) {
      // A program that asks the driver may have been refused for that.
      if (code != kLoadRefused || wishes.need_driver()) throw;
      require_mtu_fits(
          interface_, config_.umem,
          "this kernel has no XDP programs for packets of several buffers (Linux 5.18)");
    }
    takes_fragments_ = false;
    run_program(rules, wishes, mode);
  }
}

/// The same program, in the best mode that the interface takes now.
void OpenInterface::attach_again() {
  native_refusal_.clear();
  if (config_.mode != Mode::skb) {
    try {
      program_->attach(interface_, AttachMode::native);
      attach_mode_ = AttachMode::native;
      return;
    } catch (const Failure& refusal) {
      if (config_.mode != Mode::automatic || refusal.finding().code != kAttachRefused) throw;
      native_refusal_ = refusal.finding().why;
    }
  }
  program_->attach(interface_, AttachMode::generic);
  attach_mode_ = AttachMode::generic;
}

void OpenInterface::expect_headers() {
  for (const auto& port : ports_) {
    port->expect_headers(program_->tells(), program_->headerless());
  }
}

Mode OpenInterface::mode_to_ask() const noexcept {
  return attach_mode_ == AttachMode::generic ? Mode::skb : config_.mode;
}

/// False, and why, where kernel or driver refuse.
bool OpenInterface::try_metadata(const Rules& rules) {
  try {
    run_program(rules, config_.metadata, AttachMode::native);
  } catch (const Failure& refusal) {
    const std::string& code = refusal.finding().code;
    if (code != kLoadRefused && code != kAttachRefused) throw;
    metadata_refusal_ = refusal.finding().why;
    return false;
  }
  if (!program_->tells().need_driver()) {
    metadata_refusal_ = "this kernel has no functions for it (Linux 6.3 and later, with BTF)";
  }
  return true;
}

void OpenInterface::steer() {
  for (const auto& port : ports_) program_->steer(port->queue(), port->fd());
}

Mode OpenInterface::mode_of(const AfxdpPort& port) const noexcept {
  if (attach_mode_ == AttachMode::generic) return Mode::skb;
  return port.is_zerocopy() ? Mode::zerocopy : Mode::copy;
}

std::string OpenInterface::extras_of(const AfxdpPort& port) {
  std::string extras;
  if (port.takes_several_buffers()) extras += ", packets of several frames";
  if (port.is_busy_polling()) extras += ", busy polling";
  if (port.awaits_busy_polling()) extras += ", busy polling from the first packet on";
  return extras;
}

std::vector<Finding> OpenInterface::findings() const {
  std::vector<Finding> found;
  std::string queues, why;
  for (const auto& port : ports_) {
    if (port->busy_poll_refusal().empty()) continue;
    queues += (queues.empty() ? "" : ", ") + std::to_string(port->queue().value());
    why = port->busy_poll_refusal();
  }
  if (!queues.empty()) {
    found.push_back(
        {.code = "XSK-BUSYPOLL-01",
         .what = fmt::format("{}: no preferred busy polling on queue {}", interface_.name, queues),
         .why = why,
         .next = "nothing is lost, interrupts are used as usual:  interfaces[].poll.prefer_busy: "
                 "false    says so"});
  }
  return found;
}

std::string OpenInterface::refusal_of(const AfxdpPort& port) const {
  return attach_mode_ == AttachMode::generic ? native_refusal_ : port.zerocopy_refusal();
}

std::string describe(const FramePools& pools) {
  std::map<std::string, unsigned> kinds;
  for (const auto& pool : pools) ++kinds[pool->memory().describe()];
  std::string text;
  for (const auto& [kind, count] : kinds) {
    text += fmt::format("{}{}{}", text.empty() ? "" : ", ",
                        count == 1 ? "" : fmt::format("{} x ", count), kind);
  }
  return text;
}

std::string_view to_name(Mode mode) noexcept {
  switch (mode) {
    case Mode::automatic: return "auto";
    case Mode::zerocopy: return "zerocopy";
    case Mode::copy: return "copy";
    case Mode::skb: return "skb";
    case Mode::offload: return "offload";
  }
  return "?";
}

}  // namespace valinor::packet_io::afxdp
