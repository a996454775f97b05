#include "exporter/make_store.hpp"

#include <utility>

#include "exporter/file_store.hpp"
#include "exporter/null_store.hpp"
#include "exporter/redis_store.hpp"
#include "exporter/shards.hpp"
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

/// The store of `main` gets its room on disk; behind it come those for ended runs.
void add_redis(const ExporterConfig& config, SinkParts main, std::size_t place, Sinks& sinks) {
  main.store = make_store(config);
  main.group = "redis";
  if (config.when_full == WhenFull::spill && config.redis.enabled) {
    Result<Spills> spills = open_spills(config.spill, {main.store->name(), config.key});
    if (!spills) {
      sinks.no_spill = spills.error().doing + ": " + spills.error().code.message();
    } else {
      main.spill = std::move(spills->own);
      // A shard's scan sees the files of those that come after it as somebody else's; the last
      // one's sees only what is left for nobody.
      sinks.warnings = std::move(spills->warnings);
      for (SpillFile& left : spills->left_behind) add_left_behind(config, std::move(left), sinks);
    }
  }
  sinks.parts.insert(sinks.parts.begin() + static_cast<std::ptrdiff_t>(place), std::move(main));
}

/// A sink for each shard, in front of all others.
void add_shards(const ExporterConfig& config, Sinks& sinks) {
  const std::vector<RedisConfig> shards = split_shards(config.redis);
  const auto count = static_cast<std::uint32_t>(shards.size());
  const auto chosen = std::make_shared<std::uint32_t>(0);
  for (std::uint32_t shard = 0; shard < count; ++shard) {
    ExporterConfig of_shard = config;
    of_shard.redis = shards[shard];
    SinkParts parts;
    parts.sharers = count;
    if (count > 1) {
      parts.wants = [chosen, shard, count](const telemetry::RecordView& record) {
        if (shard == 0) *chosen = shard_of(record, count);  // for those that are asked after it
        return *chosen == shard;
      };
    }
    add_redis(of_shard, std::move(parts), shard, sinks);
  }
}

}  // namespace

Sinks make_sinks(const ExporterConfig& config) {
  Sinks sinks;
  if (config.redis.enabled || !config.file.enabled) add_shards(config, sinks);
  if (config.file.enabled) {
    SinkParts& file = sinks.parts.emplace_back();
    auto store = std::make_unique<FileStore>(config.file, config.key, config.record_time);
    sinks.file = store->path();
    file.store = std::move(store);
    file.group = "file";
  }
  return sinks;
}

}  // namespace valinor::exporter
