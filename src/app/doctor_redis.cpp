#include "app/doctor_redis.hpp"

#include <string>

#include "app/redis_admission.hpp"

namespace valinor::app {
namespace {

constexpr const char* kTopic = "redis";

std::string to_line(const Finding& finding) { return finding.what + ": " + finding.why; }

}  // namespace

doctor::Diagnoses examine_redis(const Config& config) {
  const exporter::RedisConfig& redis = config.exporter.redis;
  const exporter::Examination seen =
      exporter::examine(config.exporter, exporter::read_access(redis), expected_load(config),
                        exporter::Moment::start, start_patience(redis));
  doctor::Diagnoses out;
  if (!seen.away.empty()) {
    out.push_back(doctor::fail(kTopic, seen.away,
                               "redis-cli ping    export.redis.url says where it is looked for"));
  }
  for (const Finding& one : seen.errors) {
    out.push_back(doctor::fail(kTopic, to_line(one), one.next));
  }
  for (const Finding& one : seen.warnings) {
    out.push_back(doctor::warn(kTopic, to_line(one), one.next));
  }
  for (const std::string& line : seen.lines) out.push_back(doctor::ok(kTopic, line));
  return out;
}

}  // namespace valinor::app
