#include "measure/report.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "base/numbers.hpp"

namespace valinor::measure {
namespace {

using json = nlohmann::ordered_json;

/// Of the objects' form; a member that comes on top does not change it.
constexpr int kFormat = 1;

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

/// A figure of both reports.
struct Figure {
  std::string name;
  double before;
  double now;
  bool more_is_better;
};

void add_line(const Figure& figure, double threshold, Comparison& out) {
  const double ratio = figure.before > 0 ? figure.now / figure.before : 1;
  const bool worse = figure.more_is_better ? ratio < 1 - threshold : ratio > 1 + threshold;
  out.worse |= worse;
  out.text += fmt::format("  {:<24} {:>14.2f} -> {:>14.2f}   {:.3f}{}\n", figure.name,
                          figure.before, figure.now, ratio, worse ? "   worse" : "");
}

}  // namespace

Spread spread_of(std::vector<double> values) {
  std::ranges::sort(values);
  const std::size_t half = values.size() / 2;
  const double median =
      values.size() % 2 == 1 ? values[half] : (values[half - 1] + values[half]) / 2;
  return {.median = median, .least = values.front(), .most = values.back()};
}

std::string to_text(const Report& report) {
  std::string text;
  for (const auto& [name, value] : report.environment)
    text += fmt::format("{:<11}{}\n", name, value);
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

std::string to_json(const Report& report) {
  json object{{"format", kFormat}, {"environment", json::object()}};
  for (const auto& [name, value] : report.environment) object["environment"][name] = value;
  object["frame_bytes"] = report.frame_bytes;
  if (report.throughput) {
    object["throughput_pps"] = {{"median", report.throughput->median},
                                {"min", report.throughput->least},
                                {"max", report.throughput->most},
                                {"sender_was_the_limit", report.sender_was_the_limit}};
  }
  if (report.burst) object["burst_packets"] = *report.burst;
  object["delays"] = json::array();
  for (const DelayPoint& point : report.delays) object["delays"].push_back(to_json(point));
  return object.dump(2) + "\n";
}

Comparison compare(const Report& report, const std::string& baseline, double threshold) {
  Comparison out;
  try {
    const json before = json::parse(baseline);
    if (before.at("format") != kFormat) throw std::invalid_argument{"another format"};
    if (report.throughput && before.contains("throughput_pps")) {
      add_line({"throughput, pps", before["throughput_pps"].at("median"), report.throughput->median,
                true},
               threshold, out);
    }
    if (report.burst && before.contains("burst_packets")) {
      add_line(
          {"burst, packets", before["burst_packets"], static_cast<double>(*report.burst), true},
          threshold, out);
    }
    for (const DelayPoint& point : report.delays) {
      for (const json& other : before.at("delays")) {
        if (other.at("load") != point.load) continue;
        for (const auto& [name, share] : {kShares[0], kShares[2]}) {
          add_line({fmt::format("{} at {:.0f} %, us", name, point.load * 100),
                    other.at(std::string{name} + "_ns").get<double>() / 1000,
                    microseconds(point.result.delay.at(share)), false},
                   threshold, out);
        }
      }
    }
  } catch (const json::exception& error) {
    throw std::invalid_argument{error.what()};
  }
  return out;
}

}  // namespace valinor::measure
