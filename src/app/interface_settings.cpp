#include "app/interface_settings.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>
#include <variant>
#include <vector>

#include "base/failure.hpp"
#include "base/log.hpp"
#include "nic/features.hpp"
#include "nic/rss.hpp"

namespace valinor::app {
namespace {

using nic::FlowKind;
using nic::SteeredBy;
using packet_io::afxdp::InterfaceConfig;
using packet_io::afxdp::OpenInterface;

/// Polls that found nothing before interrupts are switched on again, and how long they stay off at
/// most: the values of the kernel's own documentation of busy polling. Longer: a worker that sleeps
/// is woken later. Shorter than a worker's turn: interrupts come in between.
constexpr nic::NapiDeferral kDeferral{.hard_irqs = 2, .flush_timeout_ns = 200'000};

void set_channels(nic::Settings& settings, std::uint32_t wanted) {
  if (wanted == 0) return;
  const auto counts = nic::channels(settings.device());
  nic::Channels channels{.combined = wanted};
  if (counts) channels.other = counts->now.other;
  if (counts && counts->most.combined == 0) {
    channels.combined = 0;
    channels.rx = channels.tx = wanted;
  }
  settings.set(channels);
}

void set_rings(nic::Settings& settings, nic::HardwareRings wanted) {
  if (wanted == nic::HardwareRings{}) return;
  if (const auto sizes = nic::hardware_rings(settings.device())) {
    if (wanted.rx == 0) wanted.rx = sizes->now.rx;
    if (wanted.tx == 0) wanted.tx = sizes->now.tx;
  }
  settings.set(wanted);
}

void set_spread(nic::Settings& settings, nic::Spread wanted, const std::vector<QueueId>& queues) {
  if (wanted == nic::Spread::unchanged) return;
  const nic::Device& device = settings.device();
  const auto counts = nic::channels(device);
  const std::size_t entries = nic::rss_table(device).size();
  // A NIC without a table refuses any; what it refuses is to be told all the same.
  nic::RssTable table = nic::spread_over(queues, entries == 0 ? queues.size() : entries);
  if (counts && nic::is_default_rss(table.queues, counts->now.receive())) table = {};
  settings.set(table);
}

std::vector<FlowKind> kinds_of(SteeredBy by) {
  switch (by) {
    case SteeredBy::udp_port: return {FlowKind::udp4, FlowKind::udp6};
    case SteeredBy::udp4_port: return {FlowKind::udp4};
    case SteeredBy::udp6_port: return {FlowKind::udp6};
    case SteeredBy::tcp_port: return {FlowKind::tcp4, FlowKind::tcp6};
    case SteeredBy::tcp4_port: return {FlowKind::tcp4};
    case SteeredBy::tcp6_port: return {FlowKind::tcp6};
    case SteeredBy::ip_protocol: return {FlowKind::ip4};
    case SteeredBy::ethertype: return {FlowKind::ether};
  }
  return {};
}

/// Many NICs have rules switched off until somebody wants one.
void switch_rules_on(nic::Settings& settings) {
  constexpr const char* kRules = "rx-ntuple-filter";
  const auto all = nic::features(settings.device());
  const auto found = all.find(kRules);
  if (found != all.end() && found->second.changeable) settings.set(nic::FeatureState{kRules, true});
}

void add_rule(nic::Settings& settings, const nic::SteeringConfig& wanted) {
  const std::vector<FlowKind> kinds = kinds_of(wanted.by);
  for (const FlowKind kind : kinds) {
    try {
      settings.set(
          nic::SteeringRule{{.kind = kind, .number = wanted.number, .queue = wanted.queue}, true});
    } catch (const Failure& refusal) {
      if (kind == kinds.front()) throw;
      Finding finding = refusal.finding();
      finding.next += fmt::format("\nproto: {}    for IPv4 alone, which it takes",
                                  nic::to_flow_type(kinds.front()));
      throw Failure{refusal.exit_status(), std::move(finding)};
    }
  }
}

void defer_interrupts(nic::Settings& settings) {
  const auto now = nic::napi_deferral(settings.device());
  if (now && now->hard_irqs != 0 && now->flush_timeout_ns != 0) return;  // somebody's own values
  try {
    settings.set(kDeferral);
  } catch (const Failure& failure) {
    log::warning("{}: {}", failure.finding().what, failure.finding().why);
  }
}

/// What was before, as short as can be beside `after`: "8" for "8 combined channels" where there
/// are "4 combined channels" now.
std::string describe_before(const nic::Setting& before, const std::string& after) {
  const std::string text = nic::describe(before);
  const std::size_t word = text.find(' ');
  const bool same_rest = word != std::string::npos && after.find(' ') != std::string::npos &&
                         text.substr(word) == after.substr(after.find(' '));
  return same_rest ? text.substr(0, word) : text;
}

}  // namespace

InterfaceSettings::InterfaceSettings(const InterfaceConfig& wanted)
    : nic_{wanted.name}, deferral_{wanted.settings.deferral} {
  set_channels(nic_, wanted.settings.channels);
  set_rings(nic_, wanted.settings.rings);
  std::vector<QueueId> read = wanted.queues;
  if (read.empty()) {
    const auto counts = nic::channels(nic_.device());
    for (std::uint32_t queue = 0; counts && queue < counts->now.receive(); ++queue) {
      read.emplace_back(queue);
    }
  }
  set_spread(nic_, wanted.settings.spread, read);
  if (!wanted.settings.steer.empty()) switch_rules_on(nic_);
  for (const nic::SteeringConfig& rule : wanted.settings.steer) add_rule(nic_, rule);
  describe_from(0);
}

void InterfaceSettings::opened(const OpenInterface& interface) {
  const bool is_polled = std::ranges::any_of(interface.ports(), [](const auto& port) {
    return port->is_busy_polling() || port->awaits_busy_polling();
  });
  if (!is_polled || deferral_ == nic::Deferral::off) return;
  const std::size_t before = nic_.changes().size();
  defer_interrupts(nic_);
  describe_from(before);
}

void InterfaceSettings::describe_from(std::size_t change) {
  for (; change < nic_.changes().size(); ++change) {
    const nic::Change& one = nic_.changes()[change];
    const std::string after = nic::describe(one.after.value_or(one.before));
    description_ += (description_.empty() ? "" : "; ") + after;
    if (std::holds_alternative<nic::SteeringRule>(one.before)) continue;
    description_ += fmt::format(" (was {})", describe_before(one.before, after));
  }
}

}  // namespace valinor::app
