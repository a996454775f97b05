#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <compare>
#include <optional>

#include "base/numbers.hpp"
#include "exporter/redis_examination.hpp"

namespace valinor::exporter {
namespace {

struct RedisVersion {
  unsigned major = 0, minor = 0;
  friend auto operator<=>(const RedisVersion&, const RedisVersion&) = default;
};

/// What the configuration uses that older servers lack.
struct NeededVersion {
  RedisVersion oldest;
  const char* why;
};

RedisVersion parse_version(std::string_view text) {
  RedisVersion version;
  const char* const end = text.data() + text.size();
  const auto [dot, error] = std::from_chars(text.data(), end, version.major);
  if (error == std::errc{} && dot != end) std::from_chars(dot + 1, end, version.minor);
  return version;
}

NeededVersion needed_version(const ExporterConfig& config) {
  if (config.redis.format == RedisForm::stream) return {{5, 0}, "export.redis.format: stream"};
  if (config.redis.format == RedisForm::both) return {{5, 0}, "export.redis.format: both"};
  if (config.on_existing == OnExisting::overwrite) return {{4, 0}, "run.on_existing: overwrite"};
  return {{2, 8}, "this program"};
}

/// Of one server, by the form of its keys.
struct RecordMemory {
  std::uint64_t each = 0;     // bytes, of each record that is kept for good
  std::uint64_t bounded = 0;  // of each that older ones make room for
  std::uint64_t most = 0;     // so many of these are there at a time

  [[nodiscard]] double bytes_of(double records) const {
    return records * static_cast<double>(each) +
           std::min(records, static_cast<double>(most)) * static_cast<double>(bounded);
  }

  /// Nothing: any number.
  [[nodiscard]] std::optional<std::uint64_t> records_in(std::uint64_t bytes) const {
    if (each == 0) return std::nullopt;
    return (bytes - std::min(bytes, bounded * most)) / each;
  }
};

RecordMemory memory_of_records(const RedisConfig& redis) {
  RecordMemory memory;
  if (redis.format != RedisForm::stream) memory.each += kRecordBytes;
  if (redis.format == RedisForm::valinor_zset) return memory;
  memory.most = redis.stream_max_records;
  (memory.most == 0 ? memory.each : memory.bounded) += kStreamRecordBytes;
  return memory;
}

std::string redis_cli(const RedisConfig& redis) {
  return redis.address.database == 0 ? "redis-cli"
                                     : fmt::format("redis-cli -n {}", redis.address.database);
}

class Judge {
 public:
  Judge(const RedisFacts& facts, const ExporterConfig& config, const Circumstances& circumstances)
      : facts_{facts}, config_{config}, circumstances_{circumstances} {}

  Examination judge() {
    if (!facts_.away.empty()) {
      found_.away = facts_.server + ": " + facts_.away;
      return std::move(found_);
    }
    // What goes for a server is told with the sorted set, where it has both.
    if (!is_second()) server();
    if (circumstances_.moment == Moment::start) key();
    rights();
    head_line();
    if (!is_second()) memory();
    return std::move(found_);
  }

 private:
  [[nodiscard]] bool is_stream() const { return facts_.wanted_type == "stream"; }
  [[nodiscard]] bool has_both() const { return config_.redis.format == RedisForm::both; }
  [[nodiscard]] bool is_second() const { return has_both() && is_stream(); }

  void server() {
    version();
    role();
    eviction();
    strangers();
  }

  /// What a key's length counts.
  [[nodiscard]] const char* unit() const { return is_stream() ? "blocks" : "records"; }

  void version() {
    const NeededVersion needed = needed_version(config_);
    if (facts_.version.empty() || parse_version(facts_.version) >= needed.oldest) return;
    found_.errors.push_back(
        {.code = "REDIS-VERSION-01",
         .what = fmt::format("{} is too old: Redis {}", facts_.server, facts_.version),
         .why = fmt::format("{} needs Redis {}.{} or newer", needed.why, needed.oldest.major,
                            needed.oldest.minor),
         .next = "export.redis.url: a newer server; Debian 12 has 7.0"});
  }

  /// Who is master is for sentinels and clusters to say, and may have changed since.
  void role() {
    const RedisConfig& redis = config_.redis;
    if (facts_.role != "slave" || redis.cluster || !redis.sentinel.master.empty()) return;
    found_.errors.push_back(
        {.code = "REDIS-ROLE-01",
         .what = facts_.server + " is a replica, which is no place to write to",
         .why = "it follows " + facts_.master + ", and refuses or forgets what others write",
         .next = fmt::format("export.redis.url: redis://{}/{}    or export.redis.sentinel, which "
                             "knows the master",
                             facts_.master, redis.address.database)});
  }

  void eviction() {
    if (facts_.eviction.empty() || facts_.eviction == "noeviction") return;
    if (facts_.memory_limit.value_or(1) == 0) return;  // nothing is deleted without a limit
    const bool spares_runs = facts_.eviction.starts_with("volatile-");
    Finding finding{
        .code = "REDIS-EVICT-01",
        .what = facts_.server +
                (spares_runs ? " deletes keys that have an expiry" : " may delete the run"),
        .why = "maxmemory-policy is " + facts_.eviction +
               (spares_runs ? "; a run has none, until somebody gives it one (EXPIRE)"
                            : "; a sorted set is one key and is evicted whole, while every write "
                              "still answers OK"),
        .next =
            "redis-cli config set maxmemory-policy noeviction    or, to run all the same: "
            "export.redis.require_noeviction: false"};
    const bool refused = config_.redis.require_noeviction && !spares_runs;
    (refused ? found_.errors : found_.warnings).push_back(std::move(finding));
  }

  void key() {
    if (!facts_.key_type.empty() && facts_.key_type != "none" &&
        facts_.key_type != facts_.wanted_type) {
      found_.errors.push_back(
          {.code = "REDIS-TYPE-01",
           .what = fmt::format("key {} of {} is something else: a {}", facts_.key, facts_.server,
                               facts_.key_type),
           .why = "records go into a " + facts_.wanted_type + " (export.redis.format)",
           .next = fmt::format("run.key: another number    or move it:  {} rename {} another-name",
                               redis_cli(config_.redis), facts_.key)});
      return;
    }
    if (config_.on_existing == OnExisting::overwrite && circumstances_.waiting_on_disk != 0) {
      found_.errors.push_back(
          {.code = "REDIS-RUN-02",
           .what =
               fmt::format("run {} cannot be overwritten: some of it waits on disk", config_.key),
           .why = fmt::format("{} records of an earlier run with this key are in {}",
                              with_commas(circumstances_.waiting_on_disk), config_.spill.folder),
           .next = "--append    stores them first; or remove the file, and what is in it"});
    }
    const bool holds = facts_.records.value_or(0) != 0;
    if (!holds || config_.on_existing != OnExisting::refuse) return;
    if (circumstances_.waiting_on_disk != 0) return;
    found_.errors.push_back(
        {.code = "REDIS-RUN-01",
         .what = fmt::format("key {} of {} holds a run already", facts_.key, facts_.server),
         .why = fmt::format("{} {}; two runs under one key cannot be told apart later",
                            with_commas(*facts_.records), unit()),
         .next = "run.key: another number    or --append to add to it, --overwrite to delete it"});
  }

  void strangers() {
    const RedisConfig& redis = config_.redis;
    if (has_both() && redis.cluster) return;  // it has but one database, so streams are in it
    if (has_both() && redis.stream_database == 0) return beside_a_stream();
    if (facts_.strangers == 0) return;
    found_.warnings.push_back(
        {.code = "REDIS-KEYS-01",
         .what = fmt::format("the database of {} holds other things than runs", facts_.server),
         .why = fmt::format(
             "{} that {} no sorted set{}, such as {}; the Valinor notebooks read "
             "every key of database 0, and break off there",
             facts_.strangers == 1 ? "one key" : with_commas(facts_.strangers) + " keys",
             facts_.strangers == 1 ? "is" : "are", facts_.strangers == 1 ? "" : "s",
             facts_.stranger),
         .next =
             "export.redis.url: a database with nothing else in it    redis-cli info keyspace"});
  }

  void beside_a_stream() {
    found_.warnings.push_back(
        {.code = "REDIS-KEYS-01",
         .what = fmt::format("the run's stream goes into the database of its sorted set, {}",
                             facts_.server),
         .why = "the Valinor notebooks read every key of database 0, and break off at a stream",
         .next = "export.redis.stream.database: 2    or another one than the sorted set's"});
  }

  void rights() {
    if (facts_.refused.empty()) return;
    const bool blind =
        circumstances_.moment == Moment::start && !facts_.records && facts_.key_type != "none";
    found_.warnings.push_back(
        {.code = "REDIS-RIGHTS-01",
         .what = facts_.server + " does not let us see all that a start should look at",
         .why = "our user may not use " + facts_.refused + ", so it is unknown whether " +
                (blind ? "the key holds a run already, and whether " : "") +
                "the server may delete it (maxmemory-policy)",
         .next = fmt::format("ACL SETUSER ... +info +type +{} +scan    docs/redis.md has all of it",
                             is_stream() ? "xlen" : "zcard")});
  }

  /// "redis://10.0.0.9:6379/0: Redis 7.0.15, noeviction; key 0 is new"
  void head_line() {
    std::string line = facts_.server + ":";
    line += facts_.version.empty() ? " answers" : " Redis " + facts_.version;
    if (!facts_.eviction.empty()) line += ", " + facts_.eviction;
    if (circumstances_.moment == Moment::start) line += describe_key();
    found_.lines.push_back(std::move(line));
  }

  [[nodiscard]] std::string describe_key() const {
    if (!facts_.records) return {};
    if (*facts_.records == 0) return "; key " + facts_.key + " is new";
    std::string text =
        fmt::format("; key {} holds {} {}", facts_.key, with_commas(*facts_.records), unit());
    const bool goes = config_.on_existing == OnExisting::overwrite;
    const bool stays =
        config_.on_existing == OnExisting::append || (!goes && circumstances_.waiting_on_disk != 0);
    if (goes) text += ", which are deleted";
    if (stays) text += ", more come on top";
    return text;
  }

  /// What fits, and whether what is expected does.
  void memory() {
    if (!facts_.memory_limit) return;
    const std::uint64_t limit = *facts_.memory_limit;
    const std::uint64_t used = facts_.memory_used.value_or(0);
    const std::uint64_t left = limit - std::min(limit, used);
    const ExpectedLoad& load = circumstances_.load;
    const RecordMemory needed = memory_of_records(config_.redis);
    const std::optional<std::uint64_t> room = needed.records_in(left);
    std::string line = describe_record() + "; ";
    line += limit == 0 ? fmt::format("{} in use, no maxmemory", to_size(used))
                       : fmt::format("{} of {} are free", to_size(left), to_size(limit));
    if (limit != 0 && room) line += fmt::format(": {} records", with_commas(*room));
    const auto rate = static_cast<double>(load.records_per_second);
    if (rate != 0 && load.duration.count() != 0) {
      const double records = rate * std::chrono::duration<double>(load.duration).count();
      const double bytes = needed.bytes_of(records);
      line += fmt::format("; expected: {}", to_size(static_cast<std::uint64_t>(bytes)));
      if (limit != 0 && bytes > static_cast<double>(left)) too_small(bytes, left);
    } else if (rate != 0 && limit != 0 && room) {
      line += fmt::format(", {:.0f} s at the expected rate", static_cast<double>(*room) / rate);
    } else if (limit != 0 && left < limit / 10) {
      nearly_full(used, limit);
    }
    found_.lines.push_back(std::move(line));
  }

  [[nodiscard]] std::string describe_record() const {
    const std::string stream = fmt::format("about {} bytes with one hop", kStreamRecordBytes);
    if (has_both()) {
      return fmt::format("a record takes about {} bytes in the set and {} in the stream",
                         kRecordBytes, stream);
    }
    if (is_stream()) return "a record takes " + stream;
    return fmt::format("a record takes about {} bytes", kRecordBytes);
  }

  void too_small(double bytes, std::uint64_t left) {
    found_.warnings.push_back(
        {.code = "REDIS-MEMORY-01",
         .what = facts_.server + " has not enough memory for the run",
         .why =
             fmt::format("run.duration at run.expected_rate makes {}, {} are free; a full server "
                         "refuses records, which then wait in memory and on disk",
                         to_size(static_cast<std::uint64_t>(bytes)), to_size(left)),
         .next = "redis-cli config set maxmemory 0    or a shorter run, or export.file"});
  }

  void nearly_full(std::uint64_t used, std::uint64_t limit) {
    found_.warnings.push_back(
        {.code = "REDIS-MEMORY-01",
         .what = facts_.server + " is nearly full",
         .why = fmt::format("{} of {} are in use; a full server refuses records, which then wait "
                            "in memory and on disk",
                            to_size(used), to_size(limit)),
         .next = "redis-cli config set maxmemory 0    or delete old runs"});
  }

  const RedisFacts& facts_;
  const ExporterConfig& config_;
  const Circumstances& circumstances_;
  Examination found_;
};

}  // namespace

Examination judge(const RedisFacts& facts, const ExporterConfig& config,
                  const Circumstances& circumstances) {
  return Judge{facts, config, circumstances}.judge();
}

}  // namespace valinor::exporter
