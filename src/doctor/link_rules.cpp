#include <fmt/format.h>

#include "doctor/rules.hpp"

namespace valinor::doctor {
namespace {

void judge_state(const NicFacts& nic, Diagnoses& out) {
  if (!nic.link.up) {
    out.push_back(
        fail("link", "the interface is switched off", fmt::format("ip link set {} up", nic.name)));
  } else if (!nic.link.carrier) {
    out.push_back(warn("link", "no carrier: nothing is connected, or the other end is off",
                       fmt::format("ethtool {}", nic.name)));
  } else if (nic.speed) {
    out.push_back(ok("link", fmt::format("up, {} Mb/s, MTU {}", *nic.speed, nic.link.mtu)));
  } else {
    out.push_back(ok("link", fmt::format("up, MTU {}", nic.link.mtu)));
  }
}

void judge_kind(const NicFacts& nic, Diagnoses& out) {
  const std::string& kind = nic.link.kind;
  if (kind == "bond" || kind == "team") {
    // The bond repeats what its members can do, but sockets on it receive nothing: packets come
    // from the members' queues, and the kernel drops what another device's queue delivers.
    out.push_back(
        fail("kind", fmt::format("a {}: AF_XDP sockets on it receive nothing", kind),
             fmt::format("name its members in interfaces:    ip link show master {}", nic.name)));
  } else if (kind == "bridge" || kind == "vlan" || kind == "macvlan") {
    out.push_back(warn("kind",
                       fmt::format("a {}: it has no native XDP of its own, so packets reach us "
                                   "late and slowly",
                                   kind),
                       "name the NIC below it in interfaces    ip -d link show " + nic.name));
  }
  if (nic.link.master_kind == "bridge") {
    out.push_back(warn("master",
                       fmt::format("a member of bridge {}: what we take does not reach the bridge",
                                   nic.link.master),
                       fmt::format("ip link set {} nomaster    if it must not", nic.name)));
  } else if (!nic.link.master.empty()) {
    out.push_back(warn(
        "master",
        fmt::format("a member of {} {}: telemetry may come by the other members as well",
                    nic.link.master_kind, nic.link.master),
        fmt::format("name all members in interfaces:    ip link show master {}", nic.link.master)));
  }
}

void judge_pcie(const NicFacts& nic, Diagnoses& out) {
  const auto& pcie = nic.place.pcie;
  if (!pcie) return;
  const std::string now = fmt::format("x{} at {} GT/s", pcie->lanes, pcie->gigatransfers);
  if (pcie->lanes < pcie->most_lanes || pcie->gigatransfers < pcie->most_gigatransfers) {
    out.push_back(warn("pcie",
                       fmt::format("PCIe {}, while the NIC can x{} at {} GT/s: it may be the limit",
                                   now, pcie->most_lanes, pcie->most_gigatransfers),
                       "lspci -vv    another slot may be wider"));
  } else {
    out.push_back(ok("pcie", "PCIe " + now));
  }
}

}  // namespace

void judge_link(const NicFacts& nic, Diagnoses& out) {
  judge_state(nic, out);
  judge_kind(nic, out);
  judge_pcie(nic, out);
}

}  // namespace valinor::doctor
