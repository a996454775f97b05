/// Records spread over several keys: on several servers, or in a Redis Cluster. One store
/// writes one shard, and fails by itself.
///
///   record --shard_of()--> 0: redis://10.0.0.1  key 7        or, in a cluster,  key 7:{0}
///                          1: redis://10.0.0.2  key 7                           key 7:{1}
///
/// All records of a flow are in one shard, in both of these. Readers merge the sets by score.
/// Where records go into sets and streams, each form is spread in the same way.
#pragma once

#include <cstdint>
#include <vector>

#include "exporter/config.hpp"
#include "telemetry/record.hpp"

namespace valinor::exporter {

/// The configuration of each store: one for the URL and one for each endpoint; as many as `shards`
/// says for a cluster; else one. With RedisForm::both these are the sorted sets', and as many for
/// the streams stand behind them.
[[nodiscard]] std::vector<RedisConfig> split_shards(const RedisConfig& config);

/// Over how many of them the records are spread; each form has all of the records.
[[nodiscard]] std::uint32_t shards_per_form(const RedisConfig& config) noexcept;

/// The shard that a record belongs to, below `shards`, by its connection key; `shards` is at
/// least 1.
[[nodiscard]] std::uint32_t shard_of(const telemetry::RecordView& record,
                                     std::uint32_t shards) noexcept;

}  // namespace valinor::exporter
