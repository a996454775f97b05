#include "measure/link_report.hpp"

#include <fmt/format.h>

#include <array>
#include <cmath>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "base/numbers.hpp"

namespace valinor::measure {
namespace {

using json = nlohmann::ordered_json;

/// Preamble, start of frame, FCS and gap: what a frame takes on an Ethernet link besides itself.
constexpr std::size_t kWireOverhead = 24;

constexpr std::array<std::pair<const char*, double>, 4> kShares{
    {{"p50", 0.5}, {"p90", 0.9}, {"p99", 0.99}, {"p99.9", 0.999}}};

std::string whole(double number) { return with_commas(static_cast<std::uint64_t>(number)); }

double microseconds(std::uint64_t nanos) { return static_cast<double>(nanos) / 1000; }

std::string describe_load(const DelayPoint& point) {
  const std::string rate = whole(point.result.sent_per_second()) + " pps";
  return point.load > 0 ? fmt::format("{:.0f} % = {}", point.load * 100, rate) : rate;
}

json to_json(const DelayPoint& point) {
  const TrialResult& result = point.result;
  json object{{"load", point.load},
              {"pps", result.sent_per_second()},
              {"sent", result.sent},
              {"received", result.received},
              {"lost", result.lost()},
              {"reordered", result.reordered},
              {"duplicated", result.duplicated},
              {"min_ns", result.delay.least()},
              {"mean_ns", result.delay.mean()}};
  for (const auto& [name, share] : kShares)
    object[std::string{name} + "_ns"] = result.delay.at(share);
  object["max_ns"] = result.delay.most();
  return object;
}

}  // namespace

std::string to_text(const LinkReport& report) {
  std::string text = to_text(report.environment);
  if (report.throughput) {
    const Spread& rate = *report.throughput;
    text += fmt::format(
        "throughput {} pps ({} .. {}) of {} bytes without a loss = {:.2f} Gb/s on the wire{}\n",
        whole(rate.median), whole(rate.least), whole(rate.most), report.frame_bytes,
        rate.median * static_cast<double>(report.frame_bytes + kWireOverhead) * 8 / 1e9,
        report.sender_was_the_limit ? ";\n           the sender was the limit" : "");
  }
  if (report.burst) {
    text +=
        fmt::format("burst      {} packets at once without a loss\n", with_commas(*report.burst));
  }
  if (report.delays.empty()) return text;
  text += fmt::format("{:<26} {:>9} {:>9}", "delay in us at", "min", "mean");
  for (const auto& [name, share] : kShares) text += fmt::format(" {:>9}", name);
  text += fmt::format(" {:>9} {:>10} {:>10}\n", "max", "lost", "reordered");
  for (const DelayPoint& point : report.delays) {
    const Histogram& delay = point.result.delay;
    text += fmt::format("  {:<24} {:>9.1f} {:>9.1f}", describe_load(point),
                        microseconds(delay.least()), delay.mean() / 1000);
    for (const auto& [name, share] : kShares) {
      text += fmt::format(" {:>9.1f}", microseconds(delay.at(share)));
    }
    text += fmt::format(" {:>9.1f} {:>10} {:>10}\n", microseconds(delay.most()),
                        with_commas(point.result.lost()), with_commas(point.result.reordered));
  }
  return text;
}

std::string to_json(const LinkReport& report) {
  json object = begin_report(report.mode, report.environment);
  object["frame_bytes"] = report.frame_bytes;
  if (report.throughput) {
    object["throughput_pps"] = to_object(*report.throughput);
    object["throughput_pps"]["sender_was_the_limit"] = report.sender_was_the_limit;
  }
  if (report.burst) object["burst_packets"] = *report.burst;
  object["delays"] = json::array();
  for (const DelayPoint& point : report.delays) object["delays"].push_back(to_json(point));
  return object.dump(2) + "\n";
}

Comparison compare(const LinkReport& report, const std::string& baseline, double threshold) {
  const json before = read_report(baseline, report.mode);
  Comparison out;
  try {
    if (report.throughput && before.contains("throughput_pps")) {
      add_figure({.name = "throughput, pps",
                  .before = before["throughput_pps"].at("median"),
                  .now = report.throughput->median},
                 threshold, out);
    }
    if (report.burst && before.contains("burst_packets")) {
      add_figure({.name = "burst, packets",
                  .before = before["burst_packets"],
                  .now = static_cast<double>(*report.burst)},
                 threshold, out);
    }
    for (const DelayPoint& point : report.delays) {
      for (const json& other : before.at("delays")) {
        if (other.at("load") != point.load) continue;
        // Without a search the rate itself was given, and is kept to about this.
        constexpr double kSameRate = 0.02;
        const double rate = point.result.sent_per_second();
        const double off = std::abs(other.at("pps").get<double>() - rate);
        if (point.load == 0 && off > kSameRate * rate) continue;
        const std::string where = point.load == 0 ? fmt::format("{:.0f} pps", rate)
                                                  : fmt::format("{:.0f} %", point.load * 100);
        for (const auto& [name, share] : {kShares[0], kShares[2]}) {
          add_figure({.name = fmt::format("{} at {}, us", name, where),
                      .before = other.at(std::string{name} + "_ns").get<double>() / 1000,
                      .now = microseconds(point.result.delay.at(share)),
                      .better = Better::less},
                     threshold, out);
        }
      }
    }
  } catch (const json::exception& error) {
    throw std::invalid_argument{error.what()};
  }
  const bool has_figures = report.throughput || report.burst || !report.delays.empty();
  if (has_figures && out.text.empty()) {
    throw std::invalid_argument{"it has none of the figures of this one: another --pps?"};
  }
  return out;
}

}  // namespace valinor::measure
