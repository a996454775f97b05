#include "exporter/shards.hpp"

#include <string>

#include "exporter/valinor_entry.hpp"

namespace valinor::exporter {

std::vector<RedisConfig> split_shards(const RedisConfig& config) {
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

std::uint32_t shard_of(const telemetry::RecordView& record, std::uint32_t shards) noexcept {
  return to_entry(record.packet, {}).connection_key % shards;
}

}  // namespace valinor::exporter
