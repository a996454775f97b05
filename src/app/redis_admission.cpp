#include "app/redis_admission.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdio>

#include "base/failure.hpp"

namespace valinor::app {
namespace {

/// Longer timeouts are for servers that are busy now and then, not for a start.
constexpr std::chrono::milliseconds kLongest{5000};

}  // namespace

exporter::ExpectedLoad expected_load(const Config& config) {
  return {.records_per_second = config.run.expected_rate, .duration = config.run.duration};
}

exporter::RedisAccess access_for(const exporter::RedisConfig& redis) {
  return redis.enabled ? exporter::read_access(redis) : exporter::RedisAccess{};
}

exporter::Until start_patience(const exporter::RedisConfig& redis) {
  return {.deadline = std::chrono::steady_clock::now() +
                      std::min(redis.connect_timeout + redis.command_timeout, kLongest)};
}

exporter::Examination admit_run(const Config& config, const exporter::RedisAccess& access) {
  if (!config.exporter.redis.enabled) return {};
  exporter::Examination seen =
      exporter::examine(config.exporter, access, expected_load(config), exporter::Moment::start,
                        start_patience(config.exporter.redis));
  if (seen.errors.empty()) return seen;
  for (std::size_t i = 1; i < seen.errors.size(); ++i) {
    fmt::print(stderr, "{}", seen.errors[i].to_text());
  }
  throw Failure{ExitStatus::host_not_ready, seen.errors.front()};
}

void overwrite_if_asked(const exporter::ExporterConfig& config,
                        const exporter::RedisAccess& access) {
  if (config.on_existing != exporter::OnExisting::overwrite || !config.redis.enabled) return;
  exporter::clear_run(config, access, start_patience(config.redis));
}

}  // namespace valinor::app
