#include "app/wiring.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "app/cpu_plan.hpp"
#include "base/failure.hpp"
#include "base/thread.hpp"
#include "nic/placement.hpp"
#include "packet_io/afxdp/vlan_tags.hpp"
#include "pipeline/treatment.hpp"

namespace valinor::app {
namespace {

using packet_io::afxdp::AfxdpPort;
using packet_io::afxdp::FramePools;
using packet_io::afxdp::InterfaceConfig;
using packet_io::afxdp::OpenInterface;
using packet_io::afxdp::OtherTraffic;
using packet_io::afxdp::Use;
using pipeline::Role;
using Way = pipeline::Direction<AfxdpPort>;

OpenInterface& open(Wiring& wiring, InterfaceConfig wanted, const Config& config,
                    OtherTraffic other, FramePools& pools,
                    std::optional<TimeSource> source = std::nullopt) {
  InterfaceSettings& settings =
      *wiring.settings.emplace_back(std::make_unique<InterfaceSettings>(wanted));
  const nic::Device& device = settings.nic().device();
  const bool sends_on = config.worker.role != Role::collect;
  const bool times_departures = sends_on && config.residence;
  InterfaceTime& time = *wiring.times.emplace_back(std::make_unique<InterfaceTime>(
      settings.nic(), wanted.mode, source.value_or(config.time_source), config.clock,
      times_departures));
  wanted.metadata = time.wishes();
  wanted.transmit = {.time = times_departures,
                     .checksum = pipeline::is_two_sided(config.worker.role)};
  wanted.use = sends_on ? Use::receive_and_transmit : Use::receive_only;
  const bool ask_for_tags = sends_on && packet_io::afxdp::should_ask_for_vlan_tags(device);
  wanted.metadata.vlan_tag |= ask_for_tags;
  wiring.interfaces.push_back(
      std::make_unique<OpenInterface>(wanted, config.worker.match, other, pools));
  wiring.asked.push_back(wanted.mode);
  OpenInterface& interface = *wiring.interfaces.back();
  time.opened(interface);
  settings.opened(interface);
  std::ranges::move(interface.findings(), std::back_inserter(wiring.warnings));
  if (sends_on && !(ask_for_tags && interface.program().tells().vlan_tag)) {
    auto lost = packet_io::afxdp::find_lost_vlan_tags(device);
    if (lost) wiring.warnings.push_back(std::move(*lost));
  }
  return interface;
}

std::string thread_name(const OpenInterface& interface, const AfxdpPort& port) {
  return fmt::format("{}/{}", interface.interface().name, port.queue().value());
}

/// Throws Failure (HOST-CPU-01) for a configured CPU on which the process may not run.
WorkerGroup workers_of(const InterfaceConfig& wanted, const OpenInterface& interface) {
  for (const CpuId cpu : wanted.cpus) require_cpu(cpu);
  return {.workers = interface.ports().size(),
          .configured = wanted.cpus,
          .near = nic::placement(nic::Device{wanted.name}).local_cpus};
}

void wire_one_sided(Wiring& wiring, const Config& config, const clock::SharedTimebase& timebase) {
  const OtherTraffic other = config.other.value_or(OtherTraffic::kernel);
  std::vector<WorkerGroup> groups;
  groups.reserve(config.interfaces.size());
  for (const InterfaceConfig& wanted : config.interfaces) {
    groups.push_back(
        workers_of(wanted, open(wiring, wanted, config, other, wiring.pools.emplace_back())));
  }
  const auto cpus = plan_cpus(groups, read_host_cpus());
  for (std::size_t n = 0; n < config.interfaces.size(); ++n) {
    const OpenInterface& interface = *wiring.interfaces[n];
    const auto& ports = interface.ports();
    Group& group =
        wiring.groups.emplace_back(Group{&wiring.pools[n], {wiring.interfaces[n].get()}, {}});
    for (std::size_t i = 0; i < ports.size(); ++i) {
      const Way way{.in = ports[i].get(),
                    .out = ports[i].get(),
                    .treatment = pipeline::from_network(config.worker.role),
                    .mtu = interface.interface().mtu,
                    .in_clock = wiring.times[n]->clock()};
      wiring.lanes.push_back(std::make_unique<Lane>(
          config, static_cast<std::uint32_t>(wiring.lanes.size()), Lane::Directions{way},
          Lane::Place{thread_name(interface, *ports[i]), cpus[n][i], config.interfaces[n].poll},
          timebase, nullptr));
      group.lanes.push_back(wiring.lanes.back().get());
    }
  }
}

/// What a role may put in front of a packet beyond what the kernel leaves room for anyway: a reply
/// gets as many traces as the switches stack, and int_host.
std::uint32_t room_for_insertions(Role role) {
  if (role != Role::host) return 0;
  constexpr std::size_t kLargest = sizeof(telemetry::p4netintel::IntHeader) +
                                   telemetry::kMaxTracesBytes +
                                   sizeof(telemetry::p4netintel::IntHost);
  constexpr std::size_t kCacheLine = 64;
  return static_cast<std::uint32_t>((kLargest + kCacheLine - 1) / kCacheLine * kCacheLine);
}

std::uint32_t frame_size_of(const InterfaceConfig& config) {
  return packet_io::afxdp::choose_frame_size(packet_io::afxdp::find_interface(config.name),
                                             config.mode, config.umem);
}

/// A sender behind a veth leaves its checksums to a NIC that never comes; a real NIC has seen them
/// finished.
bool leaves_checksums(const OpenInterface& interface) {
  return interface.interface().driver == "veth";
}

Way make_way(const OpenInterface& in, const OpenInterface& out, std::size_t queue,
             pipeline::Treatment treatment) {
  return {.in = in.ports()[queue].get(),
          .out = out.ports()[queue].get(),
          .treatment = treatment,
          .mtu = out.interface().mtu,
          .complete_checksums = leaves_checksums(in),
          .offload_checksums = out.ports()[queue]->transmit_grants().checksum};
}

void require_same_queues(const OpenInterface& network, const OpenInterface& host) {
  const std::size_t network_queues = network.ports().size();
  const std::size_t host_queues = host.ports().size();
  if (network_queues == host_queues) return;
  const std::string& more = (network_queues > host_queues ? network : host).interface().name;
  const std::size_t fewer = std::min(network_queues, host_queues);
  throw Failure{
      ExitStatus::host_not_ready,
      {"FWD-QUEUES-01",
       fmt::format("{} and {} have different numbers of queues", network.interface().name,
                   host.interface().name),
       fmt::format("{} and {}: a worker passes frames between one queue of each side",
                   network_queues, host_queues),
       fmt::format("ethtool -L {} combined {}    or list as many in interfaces[].queues (traffic "
                   "on the others goes to the kernel)",
                   more, fewer)}};
}

void wire_two_sided(Wiring& wiring, const Config& config, const clock::SharedTimebase& timebase) {
  InterfaceConfig towards_network = config.network_side();
  InterfaceConfig towards_host = config.host_side();
  // One pool serves the rings of both sides.
  towards_network.umem.frames += towards_host.umem.frames;
  towards_network.umem.headroom = towards_host.umem.headroom =
      room_for_insertions(config.worker.role);
  towards_network.umem.frame_size =
      std::max(frame_size_of(towards_network), frame_size_of(towards_host));
  towards_host.umem = towards_network.umem;
  towards_network.promiscuous = towards_host.promiscuous = true;

  const OtherTraffic other = config.other.value_or(OtherTraffic::forward);
  FramePools& pools = wiring.pools.emplace_back();
  const OpenInterface& network = open(wiring, towards_network, config, other, pools);
  const TimeSource host_source =
      config.time_source == TimeSource::hardware ? TimeSource::automatic : config.time_source;
  const OpenInterface& host =
      open(wiring, towards_host, config, OtherTraffic::forward, pools, host_source);
  require_same_queues(network, host);

  const Role role = config.worker.role;
  if (role == Role::host) wiring.rpcs = std::make_unique<pipeline::RpcTable>(config.worker.rpcs);
  const std::size_t queues = network.ports().size();
  const WorkerGroup group = workers_of(towards_network, network);
  const auto cpus = plan_cpus({&group, 1}, read_host_cpus()).front();
  Group& both = wiring.groups.emplace_back(
      Group{&pools, {wiring.interfaces.front().get(), wiring.interfaces.back().get()}, {}});
  for (std::size_t i = 0; i < queues; ++i) {
    Way inwards = make_way(network, host, i, pipeline::from_network(role));
    inwards.rewrite_macs = config.worker.rewrite.destination || config.worker.rewrite.source;
    Way outwards = make_way(host, network, i, pipeline::from_host(role));
    inwards.in_clock = wiring.times.front()->clock();
    outwards.in_clock = wiring.times.back()->clock();
    wiring.lanes.push_back(std::make_unique<Lane>(
        config, static_cast<std::uint32_t>(i), Lane::Directions{inwards, outwards},
        Lane::Place{thread_name(network, *network.ports()[i]), cpus[i], towards_network.poll},
        timebase, wiring.rpcs.get()));
    both.lanes.push_back(wiring.lanes.back().get());
  }
}

}  // namespace

std::optional<CpuId> Wiring::cpu_of(const AfxdpPort& port) const {
  for (const auto& lane : lanes) {
    const auto& ports = lane->ports();
    if (std::find(ports.begin(), ports.end(), &port) != ports.end()) return lane->cpu();
  }
  return std::nullopt;
}

Wiring wire_up(const Config& config, const clock::SharedTimebase& timebase) {
  Wiring wiring;
  if (pipeline::is_two_sided(config.worker.role) && !config.interfaces.empty()) {
    wire_two_sided(wiring, config, timebase);
  } else {
    wire_one_sided(wiring, config, timebase);
  }
  return wiring;
}

}  // namespace valinor::app
