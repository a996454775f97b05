#include "packet_io/afxdp/vlan_tags.hpp"

#include <fmt/format.h>

#include <string>

#include "nic/features.hpp"
#include "nic/link.hpp"
#include "nic/xdp_features.hpp"

namespace valinor::packet_io::afxdp {
namespace {

constexpr const char* kVeth = "veth";

/// An offload by the kernel's name, and by the one that `ethtool -K` has for it.
struct Offload {
  const char* name;
  const char* option;
};
constexpr Offload kTakesOut[]{{"rx-vlan-hw-parse", "rxvlan"},
                              {"rx-vlan-stag-hw-parse", "rx-vlan-stag-hw-parse"}};
constexpr Offload kLeavesOut[]{{"tx-vlan-hw-insert", "txvlan"},
                               {"tx-vlan-stag-hw-insert", "tx-vlan-stag-hw-insert"}};

/// Those of two that are on.
struct ActiveOffloads {
  std::string names;    // "rx-vlan-hw-parse and rx-vlan-stag-hw-parse"
  std::string options;  // "rxvlan off rx-vlan-stag-hw-parse off"
};

ActiveOffloads active_offloads(const nic::Device& device, const Offload (&asked)[2]) {
  const auto features = nic::features(device);
  ActiveOffloads found;
  for (const Offload& offload : asked) {
    const auto feature = features.find(offload.name);
    if (feature == features.end() || !feature->second.active) continue;
    found.names += (found.names.empty() ? "" : " and ") + std::string{offload.name};
    found.options += fmt::format("{}{} off", found.options.empty() ? "" : " ", offload.option);
  }
  return found;
}

Finding make_finding(const nic::Device& device, std::string why, const nic::Device& where,
                     const ActiveOffloads& offloads) {
  return {.code = "IF-VLAN-01",
          .what = device.name() + ": packets with a VLAN tag are sent on without it",
          .why = std::move(why),
          .next = fmt::format("ethtool -K {} {}    or nothing, where there are no VLANs",
                              where.name(), offloads.options)};
}

}  // namespace

std::optional<Finding> find_lost_vlan_tags(const nic::Device& device) {
  const nic::Link link = nic::link_of(device);
  if (link.kind != kVeth) {
    const ActiveOffloads offloads = active_offloads(device, kTakesOut);
    if (offloads.names.empty()) return std::nullopt;
    return make_finding(device,
                        offloads.names + ": the NIC takes tags out of packets before we see them",
                        device, offloads);
  }
  if (link.tied_to.empty()) return std::nullopt;
  const nic::Device sender{link.tied_to};
  const ActiveOffloads offloads = active_offloads(sender, kLeavesOut);
  if (offloads.names.empty()) return std::nullopt;
  return make_finding(device,
                      fmt::format("{} of {}, its other end: tags travel beside the packets",
                                  offloads.names, sender.name()),
                      sender, offloads);
}

bool should_ask_for_vlan_tags(const nic::Device& device) {
  const auto features = nic::xdp_features(device);
  if (!features || !features->tells(nic::RxMetadata::vlan_tag)) return false;
  return nic::link_of(device).kind == kVeth || find_lost_vlan_tags(device).has_value();
}

}  // namespace valinor::packet_io::afxdp
