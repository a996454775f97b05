/// A host and a NIC without any fault; each test plants one.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "doctor/rules.hpp"

namespace valinor::doctor {

inline HostFacts healthy_host() {
  HostFacts host;
  host.release = "6.12.1-amd64";
  host.kernel = parse_kernel_version(host.release);
  host.jit = true;
  host.capabilities = {{"CAP_NET_RAW", true}, {"CAP_NET_ADMIN", true}, {"CAP_BPF", true},
                       {"CAP_PERFMON", true}, {"CAP_IPC_LOCK", true},  {"CAP_SYS_ADMIN", false}};
  host.governors = {{CpuId{2}, "performance"}, {CpuId{4}, "performance"}};
  host.siblings = {{CpuId{2}, {CpuId{2}, CpuId{3}}}, {CpuId{4}, {CpuId{4}, CpuId{5}}}};
  return host;
}

/// Two combined queues on PCIe, zero-copy, workers elsewhere than its interrupts.
inline NicFacts healthy_nic() {
  NicFacts nic;
  nic.name = "eth7";
  nic.link.mtu = 1500;
  nic.link.up = nic.link.carrier = true;
  nic.link.hardware = "0000:03:00.0";
  nic.driver = {.driver = "i40e", .version = {}, .firmware = {}, .bus = "0000:03:00.0"};
  nic.speed = 10000;
  nic.queues = {.receive = 2, .transmit = 2, .receive_maximum = 8};
  nic.channels = {.now = {.combined = 2}, .most = {.combined = 8}};
  nic.rings = {.now = {512, 512}, .most = {4096, 4096}};
  nic.coalescing = nic::Coalescing{.rx_us = 20};
  nic.features = {{"rx-lro", {false, false, true}},
                  {"rx-gro-hw", {false, false, true}},
                  {"rx-vlan-hw-parse", {false, false, true}}};
  nic.rss = {0, 1, 0, 1};
  nic.rules.emplace();
  nic.stamps = nic::TimestampAbilities{};
  nic.xdp.emplace().acts = 1 | 2 | 4 | 8;
  nic.place = {.numa_node = 0,
               .local_cpus = {CpuId{0}, CpuId{2}, CpuId{4}},
               .interrupts = {{141, {CpuId{0}}}},
               .pcie = nic::PcieLink{8, 8, 8, 8}};
  nic.bind.queues = {
      {.queue = QueueId{0}, .zerocopy = true, .zerocopy_refusal = {}, .refusal = {}},
      {.queue = QueueId{1}, .zerocopy = true, .zerocopy_refusal = {}, .refusal = {}}};
  return nic;
}

inline Wanted healthy_wanted() {
  Wanted wanted;
  wanted.interface.name = "eth7";
  wanted.interface.umem.frame_size = 4096;
  wanted.queue_count = 2;
  wanted.cpus = {CpuId{2}, CpuId{4}};
  wanted.is_configured = true;
  return wanted;
}

/// The diagnoses that are no ok.
inline Diagnoses faults(const Diagnoses& all) {
  Diagnoses bad;
  std::copy_if(all.begin(), all.end(), std::back_inserter(bad),
               [](const Diagnosis& one) { return one.level != Level::ok; });
  return bad;
}

/// The one fault there must be.
inline Diagnosis only(const Diagnoses& all, Level level, const std::string& topic) {
  const Diagnoses bad = faults(all);
  EXPECT_EQ(bad.size(), 1u);
  if (bad.empty()) return {};
  EXPECT_EQ(bad[0].level, level) << bad[0].text;
  EXPECT_EQ(bad[0].topic, topic) << bad[0].text;
  return bad[0];
}

}  // namespace valinor::doctor
