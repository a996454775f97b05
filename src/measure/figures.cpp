#include "measure/figures.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "base/numbers.hpp"

namespace valinor::measure {
namespace {

/// "1,234,567", or "12.3".
std::string to_number(double value, int decimals) {
  if (decimals > 0) return fmt::format("{:.{}f}", value, decimals);
  return with_commas(static_cast<std::uint64_t>(std::llround(std::max(value, 0.0))));
}

std::string to_cell(const Figure& figure) {
  const auto& [median, least, most] = figure.value;
  return fmt::format("{} ({} .. {})", to_number(median, figure.decimals),
                     to_number(least, figure.decimals), to_number(most, figure.decimals));
}

std::size_t name_width(const std::vector<Case>& cases) {
  std::size_t width = 0;
  for (const Case& one : cases) width = std::max(width, one.name.size());
  return width + 2;
}

/// A line for each figure, one below the other.
std::string to_lines(const Case& one) {
  std::string text = one.name + "\n";
  for (const Figure& figure : one.figures) {
    text += fmt::format("  {:<22} {}\n", figure.label, to_cell(figure));
  }
  for (const auto& [name, count] : one.counts) {
    text += fmt::format("  {:<22} {}\n", name, with_commas(count));
  }
  return text;
}

/// A line for each case, its figures side by side; the median alone of those that are not compared,
/// as they follow from others.
std::string to_table(const std::vector<Case>& cases) {
  const auto width_of = [](const Figure& figure) { return figure.better ? 30 : 22; };
  const std::size_t width = name_width(cases);
  std::string text = fmt::format("{:<{}}", "", width);
  for (const Figure& figure : cases.front().figures) {
    text += fmt::format("{:<{}}", figure.label, width_of(figure));
  }
  const auto end_line = [&text] {
    text.erase(text.find_last_not_of(' ') + 1);
    text += "\n";
  };
  end_line();
  for (const Case& one : cases) {
    text += fmt::format("{:<{}}", one.name, width);
    for (const Figure& figure : one.figures) {
      const std::string median = to_number(figure.value.median, figure.decimals);
      text += fmt::format("{:<{}}", figure.better ? to_cell(figure) : median, width_of(figure));
    }
    end_line();
  }
  return text;
}

bool have_same_figures(const std::vector<Case>& cases) {
  const auto& first = cases.front().figures;
  return std::ranges::all_of(cases, [&](const Case& one) {
    return one.counts.empty() &&
           std::ranges::equal(one.figures, first, {}, &Figure::name, &Figure::name);
  });
}

}  // namespace

std::string to_text(const FigureReport& report) {
  std::string text = to_text(report.environment);
  if (report.cases.size() > 1 && have_same_figures(report.cases)) {
    return text + to_table(report.cases);
  }
  for (const Case& one : report.cases) text += to_lines(one);
  return text;
}

std::string to_json(const FigureReport& report) {
  auto object = begin_report(report.mode, report.environment);
  auto& cases = object["cases"] = nlohmann::ordered_json::array();
  for (const Case& one : report.cases) {
    auto& to = cases.emplace_back(nlohmann::ordered_json{{"name", one.name}});
    for (const Figure& figure : one.figures) to[figure.name] = to_object(figure.value);
    for (const auto& [name, count] : one.counts) to[name] = count;
  }
  return object.dump(2) + "\n";
}

Comparison compare(const FigureReport& report, const std::string& baseline, double threshold) {
  const auto before = read_report(baseline, report.mode);
  Comparison out;
  try {
    for (const Case& one : report.cases) {
      for (const auto& other : before.at("cases")) {
        if (other.at("name") != one.name) continue;
        for (const Figure& figure : one.figures) {
          if (!figure.better || !other.contains(figure.name)) continue;
          add_figure({.name = one.name + ", " + figure.label,
                      .before = other[figure.name].at("median"),
                      .now = figure.value.median,
                      .better = *figure.better},
                     threshold, out);
        }
      }
    }
  } catch (const nlohmann::ordered_json::exception& error) {
    throw std::invalid_argument{error.what()};
  }
  if (out.text.empty() && !report.cases.empty()) {
    throw std::invalid_argument{"it has none of the cases that were measured now"};
  }
  return out;
}

}  // namespace valinor::measure
