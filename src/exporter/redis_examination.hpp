/// Whether a run may begin to write to its Redis servers: what they say of themselves, and what is
/// under its key, judged by the configuration.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "base/failure.hpp"
#include "exporter/config.hpp"
#include "exporter/redis_facts.hpp"

namespace valinor::exporter {

/// What a record takes in a sorted set of 10 million (redis 7.0, 64-bit): member, score, tree,
/// hash.
inline constexpr std::uint64_t kRecordBytes = 186;

/// What one with one hop takes in a stream of full blocks of 256, and each further hop 80 more.
inline constexpr std::uint64_t kStreamRecordBytes = 225;

/// What the run is expected to bring. 0: unknown.
struct ExpectedLoad {
  std::uint64_t records_per_second = 0;
  std::chrono::nanoseconds duration{0};
};

/// When servers are examined.
enum class Moment : std::uint8_t {
  start,      // before the first record
  under_way,  // the run has begun without them: what is under its key may be its own
};

struct Examination {
  std::vector<std::string> lines;  // for the banner: what there is, and how much fits
  std::vector<Finding> errors;     // the run must not begin
  std::vector<Finding> warnings;
  std::string away;  // why a server could not be asked, the first such; empty: all answered
};

/// What is to be known besides a server's own facts.
struct Circumstances {
  ExpectedLoad load = {};  // that comes to this server
  Moment moment = Moment::start;
  std::uint64_t waiting_on_disk = 0;  // records of an earlier run of this key, of all shards
};

/// Judges one key of a server by `config`, of which the key, on_existing and redis count.
[[nodiscard]] Examination judge(const RedisFacts& facts, const ExporterConfig& config,
                                const Circumstances& circumstances);

/// Asks all servers, one after another, and judges each; at a start also what waits on disk. Takes
/// until `until` where they are silent.
[[nodiscard]] Examination examine(const ExporterConfig& config, const RedisAccess& access,
                                  const ExpectedLoad& load, Moment moment, const Until& until);

/// OnExisting::overwrite: deletes the run's key, of every shard. Throws Failure (REDIS-CLEAR-01).
void clear_run(const ExporterConfig& config, const RedisAccess& access, const Until& until);

}  // namespace valinor::exporter
