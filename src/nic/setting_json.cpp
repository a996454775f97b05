#include "nic/setting_json.hpp"

#include <nlohmann/json.hpp>

namespace valinor::nic {
namespace {

using nlohmann::json;

struct ToJson {
  json operator()(const Channels& is) const {
    return {{"channels",
             {{"rx", is.rx}, {"tx", is.tx}, {"other", is.other}, {"combined", is.combined}}}};
  }
  json operator()(const HardwareRings& is) const {
    return {{"rings", {{"rx", is.rx}, {"tx", is.tx}}}};
  }
  json operator()(const NapiDeferral& is) const {
    return {{"napi", {{"defer_hard_irqs", is.hard_irqs}, {"flush_ns", is.flush_timeout_ns}}}};
  }
  json operator()(const FeatureState& is) const {
    return {{"feature", {{"name", is.name}, {"on", is.on}}}};
  }
  json operator()(const RssTable& is) const { return {{"rss", {{"queues", is.queues}}}}; }
  json operator()(const SteeringRule& is) const {
    json rule{{"kind", static_cast<int>(is.rule.kind)},
              {"number", is.rule.number},
              {"location", is.rule.location},
              {"present", is.present}};
    if (is.rule.queue) rule["queue"] = is.rule.queue->value();
    return {{"rule", rule}};
  }
  json operator()(const HardwareStamping& is) const {
    return {{"stamping", {{"tx_type", is.tx_type}, {"rx_filter", is.rx_filter}}}};
  }
};

Setting read(const std::string& kind, const json& is) {
  if (kind == "channels") {
    return Channels{is.at("rx"), is.at("tx"), is.at("other"), is.at("combined")};
  }
  if (kind == "rings") return HardwareRings{is.at("rx"), is.at("tx")};
  if (kind == "napi") return NapiDeferral{is.at("defer_hard_irqs"), is.at("flush_ns")};
  if (kind == "feature") return FeatureState{is.at("name"), is.at("on")};
  if (kind == "rss") return RssTable{is.at("queues")};
  if (kind == "stamping") return HardwareStamping{is.at("tx_type"), is.at("rx_filter")};
  SteeringRule rule;  // "rule"; of anything else at() throws
  const int type = is.at("kind");
  rule.rule.kind = static_cast<FlowKind>(type);
  rule.rule.number = is.at("number");
  rule.rule.location = is.at("location");
  rule.present = is.at("present");
  if (is.contains("queue")) rule.rule.queue = QueueId{is.at("queue").get<std::uint32_t>()};
  return rule;
}

}  // namespace

json to_json(const Setting& setting) { return std::visit(ToJson{}, setting); }

std::optional<Setting> setting_from_json(const json& json) {
  if (!json.is_object() || json.size() != 1) return std::nullopt;
  try {
    return read(json.begin().key(), json.begin().value());
  } catch (const nlohmann::json::exception&) {
    return std::nullopt;
  }
}

}  // namespace valinor::nic
