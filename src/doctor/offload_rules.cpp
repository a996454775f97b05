#include <string_view>

#include "doctor/rules.hpp"

namespace valinor::doctor {
namespace {

struct Offload {
  const char* name;
  const char* harm;
};
constexpr Offload kHarmful[]{
    {"rx-lro", "merges packets: hops of all but the first are lost, and native XDP is refused"},
    {"rx-gro-hw", "merges packets in the NIC: hops of all but the first are lost"},
    {"rx-udp-gro-forwarding", "merges UDP packets that the kernel forwards"},
    {"rx-vlan-hw-parse", "takes VLAN tags off before the XDP program sees the packet"},
};

/// A virtual sender has put the tag aside itself, whatever its receiver says; and a program that
/// may ask the driver for the tag puts it back.
bool keeps_tags(const NicFacts& nic) {
  return nic.link.hardware.empty() || (nic.xdp && nic.xdp->tells(nic::RxMetadata::vlan_tag));
}

}  // namespace

void judge_offloads(const NicFacts& nic, Diagnoses& out) {
  const std::size_t before = out.size();
  for (const Offload& one : kHarmful) {
    const auto found = nic.features.find(one.name);
    if (found == nic.features.end() || !found->second.active) continue;
    if (std::string_view{one.name} == "rx-vlan-hw-parse" && keeps_tags(nic)) continue;
    const std::string text = std::string{one.name} + " " + one.harm;
    if (found->second.changeable) {
      out.push_back(
          fixable(Level::warning, "offloads", text, nic.name, nic::FeatureState{one.name, false}));
    } else {
      out.push_back(warn("offloads", text + "; the driver does not let it be switched off"));
    }
  }
  if (out.size() == before) out.push_back(ok("offloads", "none that changes packets"));
}

}  // namespace valinor::doctor
