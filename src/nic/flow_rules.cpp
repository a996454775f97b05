#include "nic/flow_rules.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <linux/ethtool.h>

#include <algorithm>
#include <cerrno>

#include "nic/with_entries.hpp"

namespace valinor::nic {
namespace {

constexpr std::uint16_t kAll16 = 0xffff;

bool all_zero(const void* bytes, std::size_t count) {
  const auto* first = static_cast<const unsigned char*>(bytes);
  return std::all_of(first, first + count, [](unsigned char byte) { return byte == 0; });
}

/// Writes kind and number as the kernel wants them; `field` is a value or its mask.
void write_field(ethtool_flow_union& field, FlowKind kind, std::uint16_t number) {
  switch (kind) {
    case FlowKind::udp4:
    case FlowKind::tcp4: field.udp_ip4_spec.pdst = htons(number); return;
    case FlowKind::udp6:
    case FlowKind::tcp6: field.udp_ip6_spec.pdst = htons(number); return;
    case FlowKind::ip4: field.usr_ip4_spec.proto = static_cast<std::uint8_t>(number); return;
    case FlowKind::ether: field.ether_spec.h_proto = htons(number); return;
    case FlowKind::other: return;
  }
}

std::uint16_t read_field(const ethtool_flow_union& field, FlowKind kind) {
  switch (kind) {
    case FlowKind::udp4:
    case FlowKind::tcp4: return ntohs(field.udp_ip4_spec.pdst);
    case FlowKind::udp6:
    case FlowKind::tcp6: return ntohs(field.udp_ip6_spec.pdst);
    case FlowKind::ip4: return field.usr_ip4_spec.proto;
    case FlowKind::ether: return ntohs(field.ether_spec.h_proto);
    case FlowKind::other: break;
  }
  return 0;
}

struct KernelType {
  FlowKind kind;
  std::uint32_t type;
};
constexpr KernelType kTypes[]{{FlowKind::udp4, UDP_V4_FLOW}, {FlowKind::tcp4, TCP_V4_FLOW},
                              {FlowKind::udp6, UDP_V6_FLOW}, {FlowKind::tcp6, TCP_V6_FLOW},
                              {FlowKind::ip4, IP_USER_FLOW}, {FlowKind::ether, ETHER_FLOW}};

/// The part of a mask that a rule of `kind` sets.
std::uint16_t mask_of(FlowKind kind) { return kind == FlowKind::ip4 ? 0xff : kAll16; }

ethtool_rx_flow_spec to_spec(const FlowRule& rule) {
  ethtool_rx_flow_spec spec{};
  for (const KernelType& one : kTypes) {
    if (one.kind == rule.kind) spec.flow_type = one.type;
  }
  write_field(spec.h_u, rule.kind, rule.number);
  write_field(spec.m_u, rule.kind, mask_of(rule.kind));
  if (rule.kind == FlowKind::ip4) spec.h_u.usr_ip4_spec.ip_ver = ETH_RX_NFC_IP4;
  spec.ring_cookie = rule.queue ? rule.queue->value() : RX_CLS_FLOW_DISC;
  spec.location = rule.location;
  return spec;
}

/// FlowKind::other where it looks at more than our one field.
FlowRule to_rule(const ethtool_rx_flow_spec& spec) {
  FlowRule rule{.kind = FlowKind::other, .number = 0, .queue = {}, .location = spec.location};
  if (spec.ring_cookie <= ETHTOOL_RX_FLOW_SPEC_RING) {
    rule.queue = QueueId{static_cast<std::uint32_t>(spec.ring_cookie)};
  }
  for (const KernelType& one : kTypes) {
    if (one.type != spec.flow_type) continue;
    ethtool_flow_union mask = spec.m_u;
    if (read_field(mask, one.kind) != mask_of(one.kind)) continue;
    write_field(mask, one.kind, 0);
    if (!all_zero(&mask, sizeof mask)) continue;
    rule.kind = one.kind;
    rule.number = read_field(spec.h_u, one.kind);
  }
  return rule;
}

struct Table {
  std::uint32_t rules;  // how many there are
  bool chooses_place;   // the NIC does
};

/// The places of a table.
struct Places {
  std::vector<std::uint32_t> taken;
  std::uint32_t size = 0;  // all, from 0
};

std::optional<Table> ask_table(const Device& device) {
  ethtool_rxnfc question{};
  question.cmd = ETHTOOL_GRXCLSRLCNT;
  if (device.ethtool(&question) != 0) return std::nullopt;
  return Table{question.rule_cnt, (question.data & RX_CLS_LOC_SPECIAL) != 0};
}

/// Only this question has the table's size for an answer from every driver (not so igb and mlx5,
/// which leave it out of the other one).
Places ask_places(const Device& device, std::uint32_t rules) {
  WithEntries<ethtool_rxnfc> question{ETHTOOL_GRXCLSRLALL, rules * sizeof(std::uint32_t)};
  question->rule_cnt = rules;
  if (device.ethtool(question.head()) != 0) return {};
  const std::uint32_t* first = question->rule_locs;
  return {.taken = {first, first + std::min(rules, question->rule_cnt)},
          .size = static_cast<std::uint32_t>(question->data)};
}

}  // namespace

std::optional<std::vector<FlowRule>> flow_rules(const Device& device) {
  const auto table = ask_table(device);
  if (!table) return std::nullopt;
  std::vector<FlowRule> rules;
  for (const std::uint32_t location : ask_places(device, table->rules).taken) {
    ethtool_rxnfc question{};
    question.cmd = ETHTOOL_GRXCLSRULE;
    question.fs.location = location;
    if (device.ethtool(&question) == 0) rules.push_back(to_rule(question.fs));
  }
  return rules;
}

Result<std::uint32_t> add_flow_rule(const Device& device, const FlowRule& rule) {
  const std::string doing = fmt::format("steer {} {} to a queue of {}", to_flow_type(rule.kind),
                                        rule.number, device.name());
  const auto table = ask_table(device);
  if (!table) return fail(std::errc::operation_not_supported, doing);
  ethtool_rxnfc question{};
  question.cmd = ETHTOOL_SRXCLSRLINS;
  question.fs = to_spec(rule);
  question.fs.location = RX_CLS_LOC_ANY;
  if (!table->chooses_place) {
    // The last free place, as ethtool does: rules in front of it, set by hand, go first.
    const auto [taken, size] = ask_places(device, table->rules);
    std::uint32_t place = size;
    do {
      if (place == 0) return fail(std::errc::no_space_on_device, doing);
      --place;
    } while (std::find(taken.begin(), taken.end(), place) != taken.end());
    question.fs.location = place;
  }
  if (const int error = device.ethtool(&question); error != 0) {
    return fail(static_cast<std::errc>(error), doing);
  }
  return question.fs.location;
}

int delete_flow_rule(const Device& device, std::uint32_t location) {
  ethtool_rxnfc question{};
  question.cmd = ETHTOOL_SRXCLSRLDEL;
  question.fs.location = location;
  return device.ethtool(&question);
}

std::string to_flow_type(FlowKind kind) {
  switch (kind) {
    case FlowKind::udp4: return "udp4";
    case FlowKind::tcp4: return "tcp4";
    case FlowKind::udp6: return "udp6";
    case FlowKind::tcp6: return "tcp6";
    case FlowKind::ip4: return "ip4";
    case FlowKind::ether: return "ether";
    case FlowKind::other: break;
  }
  return "other";
}

}  // namespace valinor::nic
