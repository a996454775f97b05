#include "app/config_steering.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <span>
#include <string_view>

#include "app/config_suggest.hpp"

namespace valinor::app {
namespace {

using nic::SteeredBy;

constexpr std::string_view kProtocols = "udp|udp4|udp6|tcp|tcp4|tcp6";

// The members of a rule, read like keys of the schema.
constexpr SchemaKey kProtocol{.path = "proto",
                              .type = ValueType::choice,
                              .default_text = {},
                              .doc = "UDP or TCP",
                              .choices = kProtocols};
constexpr SchemaKey kPort{.path = "dst_port",
                          .type = ValueType::number,
                          .default_text = {},
                          .doc = "destination port",
                          .min = 1,
                          .max = 65535};
constexpr SchemaKey kIpProtocol{.path = "ip_protocol",
                                .type = ValueType::number,
                                .default_text = {},
                                .doc = "protocol number in the IPv4 header",
                                .max = 255};
constexpr SchemaKey kEthertype{.path = "ethertype",
                               .type = ValueType::number,
                               .default_text = {},
                               .doc = "Ethernet type",
                               .min = 0x600,
                               .max = 0xffff,
                               .hex = true};
constexpr SchemaKey kQueue{.path = "queues",
                           .type = ValueType::number,
                           .default_text = {},
                           .doc = "the queue that the packets come to",
                           .max = 1023};

constexpr std::array<std::string_view, 2> kRuleNames{"match", "queues"};
constexpr std::array<std::string_view, 4> kMatchNames{"proto", "dst_port", "ip_protocol",
                                                      "ethertype"};

/// A rule being read.
class RuleReader {
 public:
  RuleReader(std::string path, const ValueSite& site) : path_{std::move(path)}, site_{site} {}

  std::optional<nic::SteeringConfig> read(const YamlNode& node) {
    if (!has_names(node, path_, kRuleNames)) return std::nullopt;
    const YamlNode* match = find(node, "match");
    const YamlNode* queues = find(node, "queues");
    if (match == nullptr || queues == nullptr) {
      site_.problems.add(
          "CFG-KEY-01", site_.source, node.place,
          fmt::format("'{}' is missing in {}", match == nullptr ? "match" : "queues", path_));
      return std::nullopt;
    }
    auto rule = read_match(*match);
    const auto queue = read_queue(*queues);
    if (!rule || !queue) return std::nullopt;
    rule->queue = QueueId{static_cast<std::uint32_t>(*queue)};
    return rule;
  }

 private:
  static const YamlNode* find(const YamlNode& node, std::string_view name) {
    const auto found = std::find_if(node.entries.begin(), node.entries.end(),
                                    [&](const YamlEntry& entry) { return entry.key == name; });
    return found == node.entries.end() ? nullptr : &found->value;
  }

  /// Whether it is a map of these names, each at most once; else it is told.
  bool has_names(const YamlNode& node, const std::string& path,
                 std::span<const std::string_view> names) {
    if (node.kind != YamlNode::Kind::map) {
      site_.problems.add("CFG-TYPE-01", site_.source, node.place,
                         fmt::format("{} wants keys and values, such as "
                                     "{{match: {{proto: udp, dst_port: 5000}}, queues: 2}}",
                                     path));
      return false;
    }
    bool good = true;
    for (const YamlEntry& entry : node.entries) {
      const bool is_known = std::find(names.begin(), names.end(), entry.key) != names.end();
      if (is_known && find(node, entry.key) == &entry.value) continue;
      good = false;
      site_.problems.add(is_known ? "CFG-KEY-03" : "CFG-KEY-02", site_.source, entry.place,
                         is_known
                             ? fmt::format("key {} is set twice in {}", in_quotes(entry.key), path)
                             : fmt::format("unknown key {} in {}", in_quotes(entry.key), path),
                         is_known ? std::string{} : did_you_mean(entry.key, names));
    }
    return good;
  }

  std::optional<Number> read_number(const SchemaKey& key, const YamlNode& node,
                                    const std::string& path) {
    const auto value = read_value(key, node, {path, site_.source, site_.problems});
    if (!value) return std::nullopt;
    return std::get<Number>(*value);
  }

  std::optional<nic::SteeringConfig> read_match(const YamlNode& node) {
    const std::string path = path_ + ".match";
    if (!has_names(node, path, kMatchNames)) return std::nullopt;
    const auto rule = [&](const SchemaKey& key, const YamlNode& value, SteeredBy by) {
      const auto number = read_number(key, value, join_path(path, key.path));
      return number ? std::optional{nic::SteeringConfig{by, static_cast<std::uint16_t>(*number),
                                                        QueueId{}}}
                    : std::nullopt;
    };
    const YamlNode* protocol = find(node, "proto");
    const YamlNode* port = find(node, "dst_port");
    if (protocol != nullptr && port != nullptr && node.entries.size() == 2) {
      const auto by = read_number(kProtocol, *protocol, join_path(path, kProtocol.path));
      // The words stand in the order of the enumerators.
      auto read = rule(kPort, *port, static_cast<SteeredBy>(by.value_or(0)));
      return by ? read : std::nullopt;
    }
    if (node.entries.size() == 1) {
      const YamlEntry& only = node.entries.front();
      if (only.key == kIpProtocol.path) {
        return rule(kIpProtocol, only.value, SteeredBy::ip_protocol);
      }
      if (only.key == kEthertype.path) return rule(kEthertype, only.value, SteeredBy::ethertype);
    }
    site_.problems.add("CFG-STEER-01", site_.source, node.place,
                       path + " wants proto and dst_port, or ip_protocol alone, or ethertype alone",
                       {}, "match: {proto: udp, dst_port: 5000}");
    return std::nullopt;
  }

  /// "2" and [2]; a NIC's rule leads to one queue.
  std::optional<Number> read_queue(const YamlNode& node) {
    const std::string path = path_ + ".queues";
    std::size_t count = 1;
    if (node.kind == YamlNode::Kind::sequence) {
      count = node.items.size();
      if (count == 1) return read_number(kQueue, node.items.front(), path);
    } else if (node.kind == YamlNode::Kind::scalar) {
      const auto ids = parse_id_list(node.text, kQueue.max);
      if (ids) count = ids->size();
    }
    if (count == 1) return read_number(kQueue, node, path);
    site_.problems.add("CFG-STEER-01", site_.source, node.place,
                       fmt::format("{} wants one queue, got {} of them", path, count), {},
                       "rss: served    spreads all other packets over the queues that are read");
    return std::nullopt;
  }

  std::string path_;
  const ValueSite& site_;
};

}  // namespace

std::optional<Value> read_steering(const SchemaKey& key, const YamlNode& node,
                                   const ValueSite& site) {
  if (node.kind != YamlNode::Kind::sequence || node.items.size() > key.max_items) {
    const bool is_list = node.kind == YamlNode::Kind::sequence;
    site.problems.add(is_list ? "CFG-RANGE-02" : "CFG-TYPE-01", site.source, node.place,
                      fmt::format("{} wants {}, got {}", site.path, wanted(key),
                                  is_list ? fmt::format("{} of them", node.items.size())
                                          : std::string{"something else"}));
    return std::nullopt;
  }
  SteeringList rules;
  for (std::size_t i = 0; i < node.items.size(); ++i) {
    const auto rule = RuleReader{fmt::format("{}[{}]", site.path, i), site}.read(node.items[i]);
    if (!rule) continue;
    const bool is_again = std::any_of(rules.begin(), rules.end(), [&](const auto& other) {
      return other.by == rule->by && other.number == rule->number;
    });
    if (is_again) {
      site.problems.add("CFG-LIST-01", site.source, node.items[i].place,
                        fmt::format("{} has two rules for {}", site.path, match_text(*rule)));
      continue;
    }
    rules.push_back(*rule);
  }
  if (rules.size() != node.items.size()) return std::nullopt;
  return Value{std::move(rules)};
}

std::string match_text(const nic::SteeringConfig& rule) {
  switch (rule.by) {
    case SteeredBy::ip_protocol: return fmt::format("{{ip_protocol: {}}}", rule.number);
    case SteeredBy::ethertype: return fmt::format("{{ethertype: {:#x}}}", rule.number);
    default: break;
  }
  const auto words = split_choices(kProtocols);
  return fmt::format("{{proto: {}, dst_port: {}}}", words.at(static_cast<std::size_t>(rule.by)),
                     rule.number);
}

std::string steering_text(const SteeringList& rules) {
  std::string out{"["};
  for (const nic::SteeringConfig& rule : rules) {
    out += fmt::format("{}{{match: {}, queues: {}}}", out.size() > 1 ? ", " : "", match_text(rule),
                       rule.queue.value());
  }
  return out + "]";
}

}  // namespace valinor::app
