#include <fmt/format.h>

#include "doctor/known_bad.hpp"
#include "doctor/rules.hpp"

namespace valinor::doctor {

Diagnoses judge_nic(const NicFacts& nic, const Wanted& wanted, const HostFacts& host) {
  Diagnoses out;
  judge_link(nic, out);
  judge_xdp(nic, wanted, host, out);
  judge_queues(nic, wanted, out);
  judge_offloads(nic, out);
  judge_latency(nic, wanted, out);
  judge_known_bad(nic, wanted, host, out);
  return out;
}

Diagnoses judge_redis(const RedisFacts& redis) {
  constexpr const char* kTopic = "redis";
  if (!redis.trouble.empty()) {
    return {fail(kTopic, fmt::format("{}: {}", redis.url, redis.trouble),
                 "redis-cli ping    export.redis.url says where it is looked for")};
  }
  Diagnoses out;
  if (redis.eviction.empty()) {
    out.push_back(warn(kTopic,
                       redis.url + " answers, but may not be asked for its "
                                   "maxmemory-policy (CONFIG GET)",
                       "redis-cli config get maxmemory-policy    must be noeviction"));
  } else if (redis.eviction != "noeviction") {
    // A run is one key: it would go as a whole, while every write still answers OK.
    out.push_back(fail(
        kTopic, fmt::format("{}: maxmemory-policy {} may delete a run", redis.url, redis.eviction),
        "redis-cli config set maxmemory-policy noeviction"));
  } else {
    out.push_back(ok(kTopic, fmt::format("{} answers{}, noeviction", redis.url,
                                         redis.version.empty() ? "" : " v" + redis.version)));
  }
  constexpr std::uint64_t kTight = 10;  // percent that are left
  if (redis.memory_limit != 0 &&
      redis.memory_used + redis.memory_limit / 100 * kTight >= redis.memory_limit) {
    out.push_back(warn(kTopic,
                       fmt::format("{} of {} MiB are in use; a record takes about 186 bytes",
                                   redis.memory_used >> 20, redis.memory_limit >> 20),
                       "redis-cli config set maxmemory 0    or delete old runs"));
  }
  return out;
}

}  // namespace valinor::doctor
