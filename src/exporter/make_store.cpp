#include "exporter/make_store.hpp"

#include <utility>

#include "exporter/file_store.hpp"
#include "exporter/null_store.hpp"
#include "exporter/redis_store.hpp"
#include "exporter/spill_folder.hpp"

namespace valinor::exporter {

std::unique_ptr<RecordStore> make_store(const ExporterConfig& config) {
  if (!config.redis.enabled) return std::make_unique<NullStore>();
  return std::make_unique<RedisStore>(config.redis, config.key, config.record_time);
}

namespace {

/// A store for the records of a run that has ended; it takes no others.
void add_left_behind(const ExporterConfig& config, SpillFile left, Sinks& sinks) {
  ExporterConfig of_that_run = config;
  of_that_run.key = left.owner().key;
  SinkParts& parts = sinks.parts.emplace_back();
  parts.store = make_store(of_that_run);
  parts.group = "redis";
  parts.spill = std::move(left);
  parts.wants = [](const telemetry::RecordView&) { return false; };
}

void add_main(const ExporterConfig& config, Sinks& sinks) {
  SinkParts main;
  main.store = make_store(config);
  main.group = "redis";
  if (config.when_full == WhenFull::spill && config.redis.enabled) {
    Result<Spills> spills = open_spills(config.spill, {main.store->name(), config.key});
    if (!spills) {
      sinks.no_spill = spills.error().doing + ": " + spills.error().code.message();
    } else {
      main.spill = std::move(spills->own);
      sinks.warnings = std::move(spills->warnings);
      for (SpillFile& left : spills->left_behind) add_left_behind(config, std::move(left), sinks);
    }
  }
  sinks.parts.insert(sinks.parts.begin(), std::move(main));
}

}  // namespace

Sinks make_sinks(const ExporterConfig& config) {
  Sinks sinks;
  if (config.redis.enabled || !config.file.enabled) add_main(config, sinks);
  if (config.file.enabled) {
    SinkParts& file = sinks.parts.emplace_back();
    file.store = std::make_unique<FileStore>(config.file, config.key, config.record_time);
    file.group = "file";
  }
  return sinks;
}

}  // namespace valinor::exporter
