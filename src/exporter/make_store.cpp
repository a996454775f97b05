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

/// Each group gets all records.
std::string group_of(const RedisConfig& all, const RedisConfig& shard) {
  if (all.format != RedisForm::both) return "redis";
  return shard.format == RedisForm::stream ? "redis stream" : "redis zset";
}

/// A store for the records of a run that has ended; it takes no others.
void add_left_behind(const ExporterConfig& config, const std::string& group, SpillFile left,
                     Sinks& sinks) {
  ExporterConfig of_that_run = config;
  of_that_run.key = left.owner().key;
  SinkParts& parts = sinks.parts.emplace_back();
  parts.store = make_store(of_that_run);
  parts.group = group;
  parts.spill = std::move(left);
  parts.wants = [](const telemetry::RecordView&) { return false; };
}

/// A sink for each shard.
void add_shards(const RedisConfig& all, const std::vector<ExporterConfig>& shards, Sinks& sinks) {
  const std::uint32_t count = shards_per_form(all);
  const auto chosen = std::make_shared<std::uint32_t>(0);
  for (std::uint32_t number = 0; number < shards.size(); ++number) {
    SinkParts& parts = sinks.parts.emplace_back();
    parts.store = make_store(shards[number]);
    parts.group = group_of(all, shards[number].redis);
    parts.sharers = shards.size();
    if (count == 1) continue;
    parts.wants = [chosen, number, count](const telemetry::RecordView& record) {
      if (number == 0) *chosen = shard_of(record, count);  // for those that are asked after it
      return *chosen == number % count;
    };
  }
}

/// Each shard's sink gets its room on disk; behind them come those for ended runs.
void add_spills(const std::vector<ExporterConfig>& shards, Sinks& sinks) {
  std::vector<SpillOwner> owners;
  owners.reserve(sinks.parts.size());
  for (const SinkParts& parts : sinks.parts) {
    owners.push_back({parts.store->name(), shards.front().key});
  }
  Result<Spills> spills = open_spills(shards.front().spill, owners);
  if (!spills) {
    sinks.no_spill = spills.error().doing + ": " + spills.error().code.message();
    return;
  }
  sinks.warnings = std::move(spills->warnings);
  for (std::size_t shard = 0; shard < shards.size(); ++shard) {
    sinks.parts[shard].spill = std::move(spills->of[shard].own);
    for (SpillFile& left : spills->of[shard].left_behind) {
      const std::string group = sinks.parts[shard].group;
      add_left_behind(shards[shard], group, std::move(left), sinks);
    }
  }
}

void add_redis(const ExporterConfig& config, Sinks& sinks) {
  std::vector<ExporterConfig> shards;
  for (const RedisConfig& shard : split_shards(config.redis)) {
    shards.push_back(config);
    shards.back().redis = shard;
  }
  add_shards(config.redis, shards, sinks);
  if (config.when_full == WhenFull::spill) add_spills(shards, sinks);
}

}  // namespace

Sinks make_sinks(const ExporterConfig& config) {
  Sinks sinks;
  if (config.redis.enabled) {
    add_redis(config, sinks);
  } else if (!config.file.enabled) {
    SinkParts& nowhere = sinks.parts.emplace_back();
    nowhere.store = make_store(config);
    nowhere.group = "redis";
  }
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
