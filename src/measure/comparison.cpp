#include "measure/comparison.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <stdexcept>

namespace valinor::measure {

using ReportJson = nlohmann::ordered_json;

Spread spread_of(std::vector<double> values) {
  std::ranges::sort(values);
  const std::size_t half = values.size() / 2;
  const double median =
      values.size() % 2 == 1 ? values[half] : (values[half - 1] + values[half]) / 2;
  return {.median = median, .least = values.front(), .most = values.back()};
}

void add_figure(const ComparedFigure& figure, double threshold, Comparison& out) {
  const double ratio = figure.now == figure.before ? 1 : figure.now / figure.before;
  const bool worse = figure.better == Better::more ? ratio < 1 - threshold : ratio > 1 + threshold;
  out.worse |= worse;
  out.text += fmt::format("  {:<38} {:>14.2f} -> {:>14.2f}   {:.3f}{}\n", figure.name,
                          figure.before, figure.now, ratio, worse ? "   worse" : "");
}

ReportJson begin_report(const std::string& mode, const Environment& environment) {
  ReportJson object{
      {"format", kReportFormat}, {"mode", mode}, {"environment", ReportJson::object()}};
  for (const auto& [name, value] : environment) object["environment"][name] = value;
  return object;
}

ReportJson to_object(const Spread& spread) {
  // Nothing here is known to a thousandth, and digits behind that only look as if.
  const auto rounded = [](double value) { return std::round(value * 1000) / 1000; };
  return {{"median", rounded(spread.median)},
          {"min", rounded(spread.least)},
          {"max", rounded(spread.most)}};
}

std::string to_text(const Environment& environment) {
  std::size_t width = 9;
  for (const auto& [name, value] : environment) width = std::max(width, name.size());
  std::string text;
  for (const auto& [name, value] : environment) {
    text += fmt::format("{:<{}}{}\n", name, width + 2, value);
  }
  return text;
}

ReportJson read_report(const std::string& text, const std::string& mode) {
  try {
    ReportJson report = ReportJson::parse(text);
    if (report.at("format") != kReportFormat) {
      throw std::invalid_argument{
          fmt::format("its format is {}, not {}", report.at("format").dump(), kReportFormat)};
    }
    const auto& other = report.at("mode").get_ref<const std::string&>();
    if (other != mode) {
      throw std::invalid_argument{
          fmt::format("it is of bench {}, and this is bench {}", other, mode)};
    }
    return report;
  } catch (const ReportJson::exception& error) {
    throw std::invalid_argument{error.what()};
  }
}

}  // namespace valinor::measure
