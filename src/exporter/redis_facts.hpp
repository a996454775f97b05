/// What a Redis server says of itself and of the key that a run is to be stored under, before any
/// record goes there. Asking writes nothing.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "exporter/config.hpp"
#include "exporter/redis_access.hpp"
#include "exporter/redis_dialog.hpp"

namespace valinor::exporter {

/// Strings that are empty, and numbers that are not there: we may not ask, or it does not say.
struct RedisFacts {
  std::string server{};                         // its URL
  std::string away{};                           // why it cannot be asked; empty: it answers
  std::string refused{};                        // commands that our user may not use: "INFO, SCAN"
  std::string version{};                        // "7.0.15"
  std::string role{};                           // "master", "slave"
  std::string master{};                         // of a replica: "10.0.0.1:6379"
  std::string eviction{};                       // maxmemory-policy
  std::optional<std::uint64_t> memory_limit{};  // bytes; 0: none
  std::optional<std::uint64_t> memory_used{};   // bytes
  std::string key{};                            // that records go to
  std::string wanted_type = "zset";             // that the run's format needs
  std::string key_type{};                       // "zset"; "none": there is no such key
  std::optional<std::uint64_t> records{};       // in it, where it is a sorted set
  std::uint64_t strangers = 0;                  // keys of the database that are no sorted sets ...
  std::string stranger{};                       // ... such as this one: "'session' (string)"
};

/// `shard` is one that split_shards() made; `run` is run.key.
[[nodiscard]] RedisFacts ask_redis(const RedisConfig& shard, std::uint32_t run,
                                   const RedisAccess& access, const Until& until);

/// Fills in what the answer to INFO says.
void read_info(std::string_view info, RedisFacts& facts);

}  // namespace valinor::exporter
