#include "measure/link.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "traffic/frame_template.hpp"
#include "wire/headers.hpp"

namespace valinor::measure {
namespace {

using packet_io::afxdp::OpenInterface;

/// What traffic::FrameTemplates sends, also once telemetry was taken off.
wire::MatchRules rules() {
  wire::MatchRules rules;
  rules.udp_dst_ports = {traffic::kDestinationPort};
  return rules;
}

}  // namespace

Link::Link(const std::string& send, const std::string& receive,
           const std::vector<QueueId>& queues) {
  pools_.resize(2);
  open(send, queues, senders_);
  if (receive == send) {
    receivers_ = senders_;
  } else {
    open(receive, {}, receivers_);
  }
  for (const auto& interface : interfaces_) interface->steer();
}

Link::~Link() {
  for (const auto& interface : interfaces_) interface->unsteer();
}

void Link::open(const std::string& name, const std::vector<QueueId>& queues, Ports& ports) {
  packet_io::afxdp::InterfaceConfig wanted;
  wanted.name = name;
  wanted.queues = queues;
  wanted.promiscuous = true;
  wanted.umem.frame_size = 4096;
  interfaces_.push_back(std::make_unique<OpenInterface>(
      wanted, rules(), packet_io::afxdp::OtherTraffic::kernel, pools_[interfaces_.size()]));
  ports.reserve(interfaces_.back()->ports().size());
  for (const auto& port : interfaces_.back()->ports()) ports.push_back(port.get());
}

void Link::flush() const noexcept {
  for (auto* port : senders_) port->flush();
  if (interfaces_.size() == 1) return;
  for (auto* port : receivers_) port->flush();
}

std::vector<std::string> Link::describe() const {
  std::vector<std::string> lines;
  lines.reserve(interfaces_.size());
  for (const auto& interface : interfaces_) {
    const auto& ports = interface->ports();
    lines.push_back(fmt::format(
        "{}: {}, {} queue{}, {}", interface->interface().name, interface->interface().driver,
        ports.size(), ports.size() == 1 ? "" : "s", to_name(interface->mode_of(*ports.front()))));
  }
  return lines;
}

std::size_t Link::largest_frame() const {
  std::size_t largest = senders_.front()->room();
  for (const auto& interface : interfaces_) {
    largest =
        std::min<std::size_t>(largest, interface->interface().mtu + sizeof(wire::EthernetHeader));
  }
  return largest;
}

}  // namespace valinor::measure
