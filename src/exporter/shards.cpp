#include "exporter/shards.hpp"

#include <algorithm>
#include <iterator>
#include <string>

#include "exporter/valinor_entry.hpp"

namespace valinor::exporter {

namespace {

/// Of one form.
std::vector<RedisConfig> split_servers(const RedisConfig& config) {
  std::vector<RedisConfig> shards{config};
  if (config.cluster) {
    shards.resize(config.shards, config);
    // The tag decides about the slot, so that shards are spread over nodes.
    for (std::size_t i = 0; i < shards.size(); ++i) {
      shards[i].key_suffix = ":{" + std::to_string(i) + "}";
    }
    return shards;
  }
  shards.front().endpoints.clear();
  for (const RedisAddress& endpoint : config.endpoints) {
    shards.push_back(shards.front());
    shards.back().address = endpoint;
  }
  return shards;
}

std::vector<RedisConfig> split_form(RedisConfig config, RedisForm form) {
  config.format = form;
  std::vector<RedisConfig> shards = split_servers(config);
  if (form != RedisForm::stream || config.stream_database == 0) return shards;
  for (RedisConfig& shard : shards) shard.address.database = config.stream_database;
  return shards;
}

}  // namespace

std::vector<RedisConfig> split_shards(const RedisConfig& config) {
  if (config.format != RedisForm::both) return split_form(config, config.format);
  std::vector<RedisConfig> shards = split_form(config, RedisForm::valinor_zset);
  std::ranges::move(split_form(config, RedisForm::stream), std::back_inserter(shards));
  return shards;
}

std::uint32_t shards_per_form(const RedisConfig& config) noexcept {
  return config.cluster ? config.shards : static_cast<std::uint32_t>(1 + config.endpoints.size());
}

std::uint32_t shard_of(const telemetry::RecordView& record, std::uint32_t shards) noexcept {
  return to_entry(record.packet, {}).connection_key % shards;
}

}  // namespace valinor::exporter
