#include "doctor/list.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

namespace valinor::doctor {
namespace {

using nic::XdpAct;
using nlohmann::json;

constexpr std::size_t kColumns = 11;
using Row = std::array<std::string, kColumns>;

std::string state_of(const NicFacts& nic) {
  if (!nic.link.up) return "off";
  return nic.link.carrier ? "up" : "no-carrier";
}

/// The best mode that it could have; a bind tells what it has.
std::string mode_of(const NicFacts& nic) {
  if (!nic.xdp) return "?";
  if (nic.xdp->can(XdpAct::xsk_zerocopy)) return "zerocopy";
  return nic.xdp->can(XdpAct::basic) && nic.xdp->can(XdpAct::redirect) ? "copy" : "skb";
}

/// "native,redirect"
std::string to_text(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : ",") + word;
  return text.empty() ? "-" : text;
}

std::vector<std::string> features_of(const NicFacts& nic) {
  std::vector<std::string> words;
  if (!nic.xdp) return words;
  const auto add = [&](bool is, const char* word) {
    if (is) words.emplace_back(word);
  };
  add(nic.xdp->can(XdpAct::basic), "native");
  add(nic.xdp->can(XdpAct::redirect), "redirect");
  add(nic.xdp->can(XdpAct::xsk_zerocopy), "zerocopy");
  add(nic.xdp->can(XdpAct::rx_sg), "multibuf");
  add(nic.xdp->can(XdpAct::hw_offload), "offload");
  add(nic.xdp->tells(nic::RxMetadata::timestamp), "rx-time");
  add(nic.xdp->offers(nic::XskFeature::tx_timestamp), "tx-time");
  return words;
}

std::string hardware_time_of(const NicFacts& nic) {
  if (!nic.stamps || nic.stamps->phc < 0) return "none";
  if (nic.stamps->stamps_all_received()) return "all";
  return nic.stamps->stamps_ptp_received() ? "ptp" : "tx";
}

std::string program_of(const NicFacts& nic) {
  if (nic.programs.empty()) return "-";
  const nic::XdpAttachment& one = nic.programs.front();
  return fmt::format("{}#{} {}", one.name.empty() ? "?" : one.name, one.program,
                     nic::to_text(one.mode));
}

std::string or_dash(const std::string& text) { return text.empty() ? "-" : text; }

Row to_row(const NicFacts& nic) {
  return {nic.name,
          or_dash(nic.driver.driver),
          state_of(nic),
          nic.speed ? std::to_string(*nic.speed) : "-",
          fmt::format("{}/{}", nic.queues.receive, nic.queues.transmit),
          nic.place.numa_node ? std::to_string(*nic.place.numa_node) : "-",
          std::to_string(nic.link.mtu),
          mode_of(nic),
          to_text(features_of(nic)),
          hardware_time_of(nic),
          program_of(nic)};
}

template <class Value>
json or_null(const std::optional<Value>& value) {
  return value ? json(*value) : json();
}

}  // namespace

std::string to_table(const std::vector<NicFacts>& nics) {
  std::vector<Row> rows{{"NAME", "DRIVER", "STATE", "MB/S", "RX/TX", "NUMA", "MTU", "MODE", "XDP",
                         "HW-TIME", "PROGRAM"}};
  for (const NicFacts& nic : nics) rows.push_back(to_row(nic));
  std::array<std::size_t, kColumns> widths{};
  for (const Row& row : rows) {
    for (std::size_t i = 0; i < kColumns; ++i) widths[i] = std::max(widths[i], row[i].size());
  }
  std::string text;
  for (const Row& row : rows) {
    for (std::size_t i = 0; i + 1 < kColumns; ++i) {
      text += fmt::format("{:<{}}  ", row[i], widths[i]);
    }
    text += row.back() + "\n";
  }
  return text;
}

std::string to_json_text(const std::vector<NicFacts>& nics) {
  json all = json::array();
  for (const NicFacts& nic : nics) {
    json programs = json::array();
    for (const nic::XdpAttachment& one : nic.programs) {
      programs.push_back({{"id", one.program},
                          {"name", one.name},
                          {"tag", one.tag},
                          {"mode", nic::to_text(one.mode)},
                          {"link", one.link},
                          {"owner", one.owner}});
    }
    all.push_back({{"name", nic.name},
                   {"driver", nic.driver.driver},
                   {"bus", nic.driver.bus},
                   {"state", state_of(nic)},
                   {"speed_mbps", or_null(nic.speed)},
                   {"rx_queues", nic.queues.receive},
                   {"tx_queues", nic.queues.transmit},
                   {"numa_node", or_null(nic.place.numa_node)},
                   {"mtu", nic.link.mtu},
                   {"best_mode", nic.xdp ? json(mode_of(nic)) : json()},
                   {"xdp", features_of(nic)},
                   {"hardware_time", hardware_time_of(nic)},
                   {"master", nic.link.master},
                   {"programs", std::move(programs)}});
  }
  return all.dump(2) + "\n";
}

}  // namespace valinor::doctor
