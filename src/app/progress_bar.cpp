#include "app/progress_bar.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <utility>

#include "base/numbers.hpp"

namespace valinor::app {
namespace {

constexpr std::size_t kBarWidth = 24;
constexpr std::chrono::milliseconds kBarInterval{100};

/// ANSI: to the line's start, and clear it.
constexpr const char* kClearLine = "\r\x1b[K";

}  // namespace

std::string to_bar(const std::string& label, double done, std::uint64_t records, double seconds) {
  done = std::clamp(done, 0.0, 1.0);
  const auto full = static_cast<std::size_t>(std::lround(done * kBarWidth));
  std::string text = fmt::format("{}  [{:#<{}}{:-<{}}] {:3.0f} %   {} records", label, "", full, "",
                                 kBarWidth - full, std::floor(100 * done), with_commas(records));
  if (seconds <= 0 || done <= 0) return text;
  const double rate = static_cast<double>(records) / seconds;
  return text + fmt::format("   {}/s   {:.0f} s left",
                            with_commas(static_cast<std::uint64_t>(rate)),
                            std::ceil(seconds / done - seconds));
}

ProgressBar::ProgressBar(std::string label)
    : label_{std::move(label)}, is_terminal_{::isatty(STDERR_FILENO) == 1} {}

ProgressBar::~ProgressBar() {
  if (is_terminal_) std::fputs(kClearLine, stderr);
}

void ProgressBar::update(double done, std::uint64_t records) {
  if (!is_terminal_ || Clock::now() < due_) return;
  due_ = Clock::now() + kBarInterval;
  const double seconds = std::chrono::duration<double>(Clock::now() - start_).count();
  fmt::print(stderr, "{}{}", kClearLine, to_bar(label_, done, records, seconds));
}

}  // namespace valinor::app
