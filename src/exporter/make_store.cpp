#include "exporter/make_store.hpp"

#include <utility>

#include "exporter/null_store.hpp"
#include "exporter/redis_store.hpp"
#include "exporter/spill_folder.hpp"

namespace valinor::exporter {

std::unique_ptr<RecordStore> make_store(const ExporterConfig& config) {
  if (!config.redis.enabled) return std::make_unique<NullStore>();
  return std::make_unique<RedisStore>(config.redis, config.key, config.record_time);
}

Sinks make_sinks(const ExporterConfig& config) {
  Sinks sinks;
  SinkParts& main = sinks.parts.emplace_back();
  main.store = make_store(config);
  if (config.when_full != WhenFull::spill || !config.redis.enabled) return sinks;
  Result<Spills> spills = open_spills(config.spill, {main.store->name(), config.key});
  if (!spills) {
    sinks.no_spill = spills.error().doing + ": " + spills.error().code.message();
    return sinks;
  }
  main.spill = std::move(spills->own);
  sinks.warnings = std::move(spills->warnings);
  for (SpillFile& left : spills->left_behind) {
    ExporterConfig of_that_run = config;
    of_that_run.key = left.owner().key;
    SinkParts& parts = sinks.parts.emplace_back();
    parts.store = make_store(of_that_run);
    parts.spill = std::move(left);
    parts.wants = [](const telemetry::RecordView&) { return false; };
  }
  return sinks;
}

}  // namespace valinor::exporter
