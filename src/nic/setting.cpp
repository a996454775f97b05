#include "nic/setting.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>

#include "nic/features.hpp"
#include "nic/rss.hpp"

namespace valinor::nic {
namespace {

// --- What there is now, kind by kind ----------------------------------------------------------

struct Read {
  const Device& device;

  std::optional<Setting> operator()(const Channels&) const {
    const auto counts = channels(device);
    if (!counts) return std::nullopt;
    return counts->now;
  }
  std::optional<Setting> operator()(const HardwareRings&) const {
    const auto sizes = hardware_rings(device);
    if (!sizes) return std::nullopt;
    return sizes->now;
  }
  std::optional<Setting> operator()(const NapiDeferral&) const { return napi_deferral(device); }
  std::optional<Setting> operator()(const FeatureState& feature) const {
    const auto all = features(device);
    const auto found = all.find(feature.name);
    if (found == all.end()) return std::nullopt;
    return FeatureState{feature.name, found->second.wanted};
  }
  std::optional<Setting> operator()(const RssTable&) const {
    const auto table = rss_table(device);
    const auto counts = channels(device);
    if (table.empty() || !counts) return std::nullopt;
    if (is_default_rss(table, counts->now.receive())) return RssTable{};
    return RssTable{table};
  }
  std::optional<Setting> operator()(const SteeringRule& wanted) const {
    const auto rules = flow_rules(device);
    if (!rules) return std::nullopt;
    for (const FlowRule& rule : *rules) {
      if (rule.same_as(wanted.rule)) return SteeringRule{rule, true};
    }
    return SteeringRule{wanted.rule, false};
  }
  std::optional<Setting> operator()(const HardwareStamping&) const {
    return hardware_stamping(device);
  }
};

// --- Changing it -------------------------------------------------------------------------------

struct Write {
  const Device& device;

  int operator()(const Channels& wanted) const { return set_channels(device, wanted); }
  int operator()(const HardwareRings& wanted) const { return set_hardware_rings(device, wanted); }
  int operator()(const NapiDeferral& wanted) const { return set_napi_deferral(device, wanted); }
  int operator()(const FeatureState& wanted) const {
    return set_feature(device, wanted.name, wanted.on);
  }
  int operator()(const RssTable& wanted) const { return set_rss_table(device, wanted.queues); }
  int operator()(const SteeringRule& wanted) const {
    if (wanted.present) {
      const auto place = add_flow_rule(device, wanted.rule);
      return place ? 0 : place.error().code.value();
    }
    // By what it does: where it stood when it was read may have changed.
    const auto there = Read{device}(wanted);
    if (!there) return EOPNOTSUPP;
    const auto& found = std::get<SteeringRule>(*there);
    return found.present ? delete_flow_rule(device, found.rule.location) : 0;
  }
  int operator()(const HardwareStamping& wanted) const {
    return set_hardware_stamping(device, wanted);
  }
};

// --- For people ---------------------------------------------------------------------------------

/// "action 3", as ethtool wants it.
std::string action_of(const FlowRule& rule) {
  return fmt::format("action {}", rule.queue ? static_cast<long>(rule.queue->value()) : -1);
}

std::string field_of(const FlowRule& rule) {
  switch (rule.kind) {
    case FlowKind::ip4: return fmt::format("l4proto {}", rule.number);
    case FlowKind::ether: return fmt::format("proto {:#x}", rule.number);
    default: return fmt::format("dst-port {}", rule.number);
  }
}

/// How many hash values each queue has.
std::vector<std::size_t> weights_of(const RssTable& table) {
  std::vector<std::size_t> weights;
  for (const std::uint32_t queue : table.queues) {
    if (queue >= weights.size()) weights.resize(queue + 1);
    ++weights[queue];
  }
  return weights;
}

struct Describe {
  std::string operator()(const Channels& is) const {
    std::string text;
    const auto add = [&](std::uint32_t count, const char* name) {
      if (count != 0) text += fmt::format("{}{} {}", text.empty() ? "" : ", ", count, name);
    };
    add(is.combined, "combined");
    add(is.rx, "receive");
    add(is.tx, "transmit");
    return text + " channels";
  }
  std::string operator()(const HardwareRings& is) const {
    return fmt::format("hardware rings of {} receive and {} transmit descriptors", is.rx, is.tx);
  }
  std::string operator()(const NapiDeferral& is) const {
    return fmt::format("napi_defer_hard_irqs {}, gro_flush_timeout {} ns", is.hard_irqs,
                       is.flush_timeout_ns);
  }
  std::string operator()(const FeatureState& is) const {
    return fmt::format("{} {}", is.name, is.on ? "on" : "off");
  }
  std::string operator()(const RssTable& is) const {
    if (is.queues.empty()) return "RSS over all queues";
    std::string text = "RSS over queues";
    const auto weights = weights_of(is);
    for (std::size_t queue = 0; queue < weights.size(); ++queue) {
      if (weights[queue] != 0) text += fmt::format(" {}", queue);
    }
    return text;
  }
  std::string operator()(const SteeringRule& is) const {
    return fmt::format("{} steering rule {} {} {}", is.present ? "the" : "no",
                       to_flow_type(is.rule.kind), field_of(is.rule), action_of(is.rule));
  }
  std::string operator()(const HardwareStamping& is) const {
    return fmt::format("hardware stamping of type {} and filter {}", is.tx_type, is.rx_filter);
  }
};

struct ToCommand {
  const std::string& interface;

  std::string operator()(const Channels& is) const {
    std::string text = "ethtool -L " + interface;
    const bool separate = is.combined == 0;
    if (separate || is.rx != 0) text += fmt::format(" rx {}", is.rx);
    if (separate || is.tx != 0) text += fmt::format(" tx {}", is.tx);
    if (!separate) text += fmt::format(" combined {}", is.combined);
    return text;
  }
  std::string operator()(const HardwareRings& is) const {
    return fmt::format("ethtool -G {} rx {} tx {}", interface, is.rx, is.tx);
  }
  std::string operator()(const NapiDeferral& is) const {
    return fmt::format(
        "echo {} > /sys/class/net/{}/napi_defer_hard_irqs; "
        "echo {} > /sys/class/net/{}/gro_flush_timeout",
        is.hard_irqs, interface, is.flush_timeout_ns, interface);
  }
  std::string operator()(const FeatureState& is) const {
    return fmt::format("ethtool -K {} {} {}", interface, is.name, is.on ? "on" : "off");
  }
  std::string operator()(const RssTable& is) const {
    const auto weights = weights_of(is);
    if (weights.empty()) return fmt::format("ethtool -X {} default", interface);
    if (is.queues == spread_evenly(weights.size(), is.queues.size())) {
      return fmt::format("ethtool -X {} equal {}", interface, weights.size());
    }
    std::string text = fmt::format("ethtool -X {} weight", interface);
    for (const std::size_t weight : weights) text += fmt::format(" {}", weight);
    return text;
  }
  std::string operator()(const SteeringRule& is) const {
    if (!is.present) return fmt::format("ethtool -N {} delete {}", interface, is.rule.location);
    return fmt::format("ethtool -N {} flow-type {} {} {}", interface, to_flow_type(is.rule.kind),
                       field_of(is.rule), action_of(is.rule));
  }
  std::string operator()(const HardwareStamping& is) const {
    return fmt::format("hwstamp_ctl -i {} -t {} -r {}", interface, is.tx_type, is.rx_filter);
  }

 private:
  static std::vector<std::uint32_t> spread_evenly(std::size_t queues, std::size_t size) {
    std::vector<QueueId> first;
    for (std::uint32_t queue = 0; queue < queues; ++queue) first.emplace_back(queue);
    return spread_over(first, size).queues;
  }
};

}  // namespace

std::optional<Setting> read_like(const Device& device, const Setting& example) {
  return std::visit(Read{device}, example);
}

int write(const Device& device, const Setting& setting) {
  return std::visit(Write{device}, setting);
}

std::string describe(const Setting& setting) { return std::visit(Describe{}, setting); }

std::string to_command(const std::string& interface, const Setting& setting) {
  return std::visit(ToCommand{interface}, setting);
}

RssTable spread_over(const std::vector<QueueId>& queues, std::size_t size) {
  RssTable table;
  for (std::size_t i = 0; i < size && !queues.empty(); ++i) {
    table.queues.push_back(queues[i % queues.size()].value());
  }
  return table;
}

}  // namespace valinor::nic
