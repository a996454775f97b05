#include "app/bench_progress.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <cstdio>
#include <ctime>
#include <fstream>

namespace valinor::app {
namespace {

std::string processor() {
  std::ifstream file{"/proc/cpuinfo"};
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("model name")) return line.substr(line.find(": ") + 2);
  }
  return "unknown";
}

}  // namespace

BenchProgress::BenchProgress() : is_terminal_{::isatty(STDERR_FILENO) == 1} {}

BenchProgress::~BenchProgress() {
  if (is_terminal_) fmt::print(stderr, "\r{:<70}\r", "");
}

void BenchProgress::say(const std::string& text) const {
  if (is_terminal_) fmt::print(stderr, "\r{:<70}", text);
}

measure::Environment describe_host() {
  utsname kernel{};
  ::uname(&kernel);
  return {{"date", fmt::format("{:%FT%TZ}", fmt::gmtime(std::time(nullptr)))},
          {"program", "valinor-afxdp " VALINOR_VERSION},
          {"kernel", static_cast<const char*>(kernel.release)},
          {"processor", processor()}};
}

}  // namespace valinor::app
