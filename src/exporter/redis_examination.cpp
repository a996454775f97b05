#include "exporter/redis_examination.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <string>
#include <utility>
#include <vector>

#include "exporter/redis_format.hpp"
#include "exporter/redis_store.hpp"
#include "exporter/shards.hpp"
#include "exporter/spill_folder.hpp"

namespace valinor::exporter {
namespace {

/// In the banner: those of four servers.
constexpr std::size_t kMostLines = 8;

/// Shards may share a server, which then has the same to say for each.
void merge(Examination& all, Examination one) {
  const auto add = [](std::vector<Finding>& to, std::vector<Finding>& from) {
    for (Finding& finding : from) {
      const bool known = std::ranges::any_of(to, [&](const Finding& other) {
        return other.code == finding.code && other.what == finding.what;
      });
      if (!known) to.push_back(std::move(finding));
    }
  };
  add(all.errors, one.errors);
  add(all.warnings, one.warnings);
  std::ranges::move(one.lines, std::back_inserter(all.lines));
  if (all.away.empty()) all.away = std::move(one.away);
}

ExpectedLoad part_of(const ExpectedLoad& load, std::size_t shards) {
  return {.records_per_second = load.records_per_second / shards, .duration = load.duration};
}

/// Records of an earlier run with the key, for all shards. Reading the files takes a while, so only
/// where it decides.
std::uint64_t count_waiting(const ExporterConfig& config, const std::vector<RedisConfig>& shards,
                            const std::vector<RedisFacts>& facts) {
  const bool holds = std::ranges::any_of(
      facts, [](const RedisFacts& one) { return one.records.value_or(0) != 0; });
  const bool decides = config.on_existing == OnExisting::overwrite ||
                       (config.on_existing == OnExisting::refuse && holds);
  if (config.when_full != WhenFull::spill || !decides) return 0;
  std::uint64_t records = 0;
  for (const RedisConfig& shard : shards) {
    records += count_spilled(config.spill, {.store = store_name(shard), .key = config.key});
  }
  return records;
}

/// Why the key cannot be deleted; empty: it is gone.
std::string delete_key(RedisDialog& dialog, const std::string& key, const Until& until) {
  const auto describe = [](const Error& error) {
    return error.doing + ": " + describe_errno(error.code.value());
  };
  if (const auto opened = dialog.open(until); !opened) return describe(opened.error());
  const std::vector<RedisDialog::Command> command{{"UNLINK", key}};
  const auto replies = dialog.ask(command, until);
  if (!replies) return describe(replies.error());
  const redisReply& reply = *replies->front();
  return reply.type == REDIS_REPLY_ERROR ? std::string{to_text(reply)} : std::string{};
}

void refuse_to_overwrite(const ExporterConfig& config, Examination& all) {
  if (config.on_existing != OnExisting::overwrite || all.away.empty()) return;
  all.errors.push_back({.code = "REDIS-AWAY-01",
                        .what = "a key that cannot be reached cannot be overwritten",
                        .why = all.away,
                        .next = "start the server first    or, to begin without it:  --append"});
}

}  // namespace

Examination examine(const ExporterConfig& config, const RedisAccess& access,
                    const ExpectedLoad& load, Moment moment, const Until& until) {
  const std::vector<RedisConfig> shards = split_shards(config.redis);
  std::vector<RedisFacts> facts;
  facts.reserve(shards.size());
  for (const RedisConfig& shard : shards) {
    facts.push_back(ask_redis(shard, config.key, access, until));
  }
  Circumstances circumstances{.load = part_of(load, shards_per_form(config.redis)),
                              .moment = moment};
  if (moment == Moment::start) {
    circumstances.waiting_on_disk = count_waiting(config, shards, facts);
  }
  Examination all;
  for (const RedisFacts& one : facts) merge(all, judge(one, config, circumstances));
  if (all.lines.size() > kMostLines) {
    all.lines.resize(kMostLines);
    all.lines.push_back(fmt::format("and so on, {} keys in all", shards.size()));
  }
  refuse_to_overwrite(config, all);
  return all;
}

void clear_run(const ExporterConfig& config, const RedisAccess& access, const Until& until) {
  for (const RedisConfig& shard : split_shards(config.redis)) {
    const std::string key = to_redis_key(shard, config.key);
    RedisDialog dialog{shard, access, key, "valinor-afxdp:clear"};
    const std::string why = delete_key(dialog, key, until);
    if (why.empty()) continue;
    throw Failure{ExitStatus::host_not_ready,
                  {.code = "REDIS-CLEAR-01",
                   .what = "cannot delete key " + key + " of " + dialog.address().to_url(),
                   .why = why,
                   .next = "run.key: another number    or --append; to delete a key takes the "
                           "right +unlink"}};
  }
}

}  // namespace valinor::exporter
