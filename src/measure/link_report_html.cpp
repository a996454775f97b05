#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "measure/link_report.hpp"

namespace valinor::measure {
namespace {

// The picture's inside, in its own units; around it there is room for the axes' numbers.
constexpr double kWidth = 720;
constexpr double kHeight = 360;
constexpr double kLeft = 70;
constexpr double kTop = 20;

/// From left to right "nines": 0, 90, 99, 99.9, 99.99, 99.999 %.
constexpr int kNines = 5;
constexpr int kStepsPerNine = 40;

constexpr std::array<const char*, 4> kColours{"#1b6ca8", "#c8553d", "#3a7d44", "#7d4f9e"};

std::string escaped(const std::string& text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '&': out += "&amp;"; break;
      case '<': out += "&lt;"; break;
      case '>': out += "&gt;"; break;
      default: out += c;
    }
  }
  return out;
}

/// The share at a place of the axis: 1 - 10^-x.
double share_at(int step) { return 1 - std::pow(10.0, -static_cast<double>(step) / kStepsPerNine); }

double x_of(int step) { return kLeft + kWidth * step / (kNines * kStepsPerNine); }

/// The vertical axis: powers of ten of nanoseconds.
struct Scale {
  int from = 0;
  int to = 1;

  explicit Scale(const LinkReport& report) {
    double least = 1e18;
    double most = 1;
    for (const DelayPoint& point : report.delays) {
      if (point.result.delay.count() == 0) continue;
      least = std::min(least, static_cast<double>(point.result.delay.least()));
      most = std::max(most, static_cast<double>(point.result.delay.most()));
    }
    from = static_cast<int>(std::floor(std::log10(std::clamp(least, 1.0, most))));
    to = std::max(from + 1, static_cast<int>(std::ceil(std::log10(most))));
  }

  [[nodiscard]] double y_of(std::uint64_t nanos) const {
    const double power = std::log10(static_cast<double>(std::max<std::uint64_t>(nanos, 1)));
    return kTop + kHeight * (1 - std::clamp((power - from) / (to - from), 0.0, 1.0));
  }
};

std::string draw_axes(const Scale& scale) {
  std::string out;
  for (int nine = 0; nine <= kNines; ++nine) {
    const double x = x_of(nine * kStepsPerNine);
    out += fmt::format(
        "<line x1='{0:.0f}' y1='{1}' x2='{0:.0f}' y2='{2}' class='grid'/>"
        "<text x='{0:.0f}' y='{3}' text-anchor='middle'>{4:.{5}f} %</text>\n",
        x, kTop, kTop + kHeight, kTop + kHeight + 18, share_at(nine * kStepsPerNine) * 100,
        std::max(0, nine - 2));
  }
  for (int power = scale.from; power <= scale.to; ++power) {
    const double y = scale.y_of(static_cast<std::uint64_t>(std::llround(std::pow(10.0, power))));
    out += fmt::format(
        "<line x1='{0}' y1='{2:.0f}' x2='{1}' y2='{2:.0f}' class='grid'/>"
        "<text x='{3}' y='{4:.0f}' text-anchor='end'>{5:g} us</text>\n",
        kLeft, kLeft + kWidth, y, kLeft - 6, y + 4, std::pow(10.0, power - 3));
  }
  return out;
}

std::string draw_curve(const DelayPoint& point, const Scale& scale, std::size_t number) {
  const Histogram& delay = point.result.delay;
  const char* colour = kColours[number % kColours.size()];
  std::string points;
  for (int step = 0; step <= kNines * kStepsPerNine; ++step) {
    // Beyond one packet of all there is nothing to say.
    if ((1 - share_at(step)) * static_cast<double>(delay.count()) < 1) break;
    points += fmt::format("{:.1f},{:.1f} ", x_of(step), scale.y_of(delay.at(share_at(step))));
  }
  const double y = kTop + 16 + 18 * static_cast<double>(number);
  const std::string label = point.load > 0
                                ? fmt::format("at {:.0f} % of the throughput", point.load * 100)
                                : fmt::format("at {:.0f} pps", point.result.sent_per_second());
  return fmt::format(
      "<polyline points='{0}' fill='none' stroke='{1}' stroke-width='2'/>"
      "<text x='{2}' y='{3}' fill='{1}'>{4}</text>\n",
      points, colour, kLeft + 12, y, label);
}

}  // namespace

std::string to_html(const LinkReport& report) {
  const Scale scale{report};
  std::string curves;
  for (std::size_t i = 0; i < report.delays.size(); ++i) {
    curves += draw_curve(report.delays[i], scale, i);
  }
  return fmt::format(
      "<!doctype html>\n<html lang='en'><head><meta charset='utf-8'><title>valinor-afxdp "
      "bench</title>\n"
      "<style>body{{font:14px sans-serif;max-width:860px;margin:2em auto}}"
      "svg text{{font-size:12px}} .grid{{stroke:#ddd}}</style></head>\n<body>\n"
      "<h1>valinor-afxdp bench</h1>\n<pre>{}</pre>\n<h2>Share of packets that took no longer</h2>\n"
      "<svg viewBox='0 0 {} {}' role='img'>\n{}{}</svg>\n</body></html>\n",
      escaped(to_text(report)), kLeft + kWidth + 30, kTop + kHeight + 30, draw_axes(scale), curves);
}

}  // namespace valinor::measure
