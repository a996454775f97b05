#include "app/bench_scratch.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <deque>
#include <exception>
#include <filesystem>
#include <limits>
#include <string_view>
#include <system_error>
#include <thread>

#include "base/failure.hpp"
#include "base/log.hpp"
#include "base/numbers.hpp"
#include "exporter/record_source.hpp"
#include "exporter/redis_access.hpp"
#include "exporter/redis_dialog.hpp"
#include "exporter/redis_facts.hpp"
#include "exporter/redis_format.hpp"
#include "exporter/shards.hpp"

namespace valinor::app {
namespace {

using exporter::ExporterConfig;
using exporter::RedisForm;

/// The key's number where none is given, and what makes it no run's; in a cluster, where shards
/// have names of their own, it is the number alone.
constexpr std::uint32_t kScratchRun = std::numeric_limits<std::uint32_t>::max();
constexpr const char* kScratchSuffix = ":bench";

/// How long a server may take to give the memory of a removed key back. Until then it is busy.
constexpr std::chrono::seconds kFreePatience{20};
constexpr std::chrono::milliseconds kFreeTick{5};

/// Records that wait in memory: they would only be older when a signal ends it.
constexpr std::size_t kMostWaiting = 16 * kMiB;

/// Entries that Redis weighs of a key, to tell what all of it takes.
constexpr std::string_view kSamples = "1000";

ExporterConfig alone(ExporterConfig config) {
  config.redis.enabled = config.file.enabled = false;
  config.when_full = exporter::WhenFull::wait;
  config.memory_bytes = std::min(config.memory_bytes, kMostWaiting);
  return config;
}

/// Reads all of a source, and only counts.
std::uint64_t count_records(exporter::RecordSource& source) {
  std::uint64_t count = 0;
  while (source.read_some([&](const telemetry::RecordView&) { ++count; })) {
  }
  return count;
}

/// The keys of one run in one form, of all shards.
class RedisScratch final : public ScratchStore {
 public:
  RedisScratch(const ExporterConfig& config, RedisForm form, std::optional<std::uint32_t> key)
      : config_{alone(config)} {
    config_.redis.enabled = true;
    config_.redis.format = form;
    config_.redis.stream_max_records = 0;  // all are counted
    config_.key = key.value_or(kScratchRun);
    if (!key && !config_.redis.cluster) config_.redis.key_suffix = kScratchSuffix;
    for (const exporter::RedisConfig& shard : exporter::split_shards(config_.redis)) {
      std::string name = exporter::to_redis_key(shard, config_.key);
      keys_.push_back({name, shard.address.to_url(),
                       exporter::RedisDialog{shard, exporter::read_access(shard), name,
                                             "valinor-afxdp:bench"}});
    }
    for (Key& one : keys_) require_absent(one);
    is_ours_ = true;
    exporter::RedisFacts facts;
    const auto info = keys_.front().dialog.ask({"INFO", "server"});
    if (info) exporter::read_info(exporter::to_text(**info), facts);
    version_ = facts.version.empty() ? "a server" : "redis " + facts.version;
  }
  ~RedisScratch() override {
    try {
      if (is_ours_) clear();
    } catch (const std::exception& error) {
      log::error("the key {} of bench is left behind: {}", keys_.front().name, error.what());
    }
  }
  RedisScratch(const RedisScratch&) = delete;
  RedisScratch& operator=(const RedisScratch&) = delete;

  [[nodiscard]] std::string name() const override {
    return config_.redis.format == RedisForm::stream ? "redis, stream" : "redis, sorted set";
  }
  [[nodiscard]] std::string describe() const override {
    return fmt::format("{}, {}, key {}", version_, config_.redis.describe(), keys_.front().name);
  }
  [[nodiscard]] const ExporterConfig& config() const noexcept override { return config_; }

  [[nodiscard]] std::optional<std::uint64_t> count() override {
    if (config_.redis.format == RedisForm::stream) {
      return count_records(*exporter::open_redis_source(config_.redis, config_.key));
    }
    return sum([&](Key& key) { return ask(key, {"ZCARD", key.name}); });
  }
  [[nodiscard]] std::optional<std::uint64_t> bytes() override {
    return sum([&](Key& key) {
      return ask(key, {"MEMORY", "USAGE", key.name, "SAMPLES", kSamples});
    });
  }

  void clear() override {
    for (Key& one : keys_) (void)ask(one, {"UNLINK", one.name});
    for (Key& one : keys_) await_free(one);
  }

 private:
  struct Key {
    std::string name;
    std::string server;
    exporter::RedisDialog dialog;
  };

  static exporter::RedisReply ask(Key& key, std::initializer_list<std::string_view> words) {
    auto reply = key.dialog.ask(words);
    std::string why;
    if (!reply) {
      why = reply.error().doing + ": " + reply.error().code.message();
    } else if ((*reply)->type == REDIS_REPLY_ERROR) {
      why = exporter::to_text(**reply);
    } else {
      return std::move(*reply);
    }
    throw Failure{ExitStatus::host_not_ready,
                  {"BENCH-STORE-01", "cannot measure " + key.server, why,
                   "valinor-afxdp doctor    tells more about the server;  export.redis.enabled: "
                   "false    leaves it out"}};
  }

  static void require_absent(Key& key) {
    const auto reply = ask(key, {"TYPE", key.name});
    const std::string_view type = exporter::to_text(*reply);
    if (type == "none") return;
    throw Failure{
        ExitStatus::host_not_ready,
        {"BENCH-KEY-01", fmt::format("the key {} of {} is there already", key.name, key.server),
         fmt::format("it holds a {}; bench writes only to a key of its own", type),
         fmt::format("--key N    another one\nredis-cli unlink {}    if a bench that was "
                     "killed has left it",
                     key.name)}};
  }

  template <class Question>
  std::uint64_t sum(Question&& question) {
    std::uint64_t all = 0;
    for (Key& one : keys_) {
      const exporter::RedisReply reply = question(one);
      if (reply->type == REDIS_REPLY_INTEGER) all += static_cast<std::uint64_t>(reply->integer);
    }
    return all;
  }

  /// A server that may not be asked frees what it frees.
  static void await_free(Key& key) {
    const auto deadline = std::chrono::steady_clock::now() + kFreePatience;
    while (std::chrono::steady_clock::now() < deadline) {
      const auto reply = key.dialog.ask({"INFO", "memory"});
      const auto text = reply ? exporter::to_text(**reply) : std::string_view{};
      const std::size_t at = text.find("lazyfree_pending_objects:");
      if (at == std::string_view::npos || text.substr(text.find(':', at)).starts_with(":0\r")) {
        return;
      }
      std::this_thread::sleep_for(kFreeTick);
    }
  }

  ExporterConfig config_;
  std::deque<Key> keys_;
  std::string version_;
  bool is_ours_ = false;
};

/// Two files where those of runs are.
class FileScratch final : public ScratchStore {
 public:
  explicit FileScratch(const ExporterConfig& config) : config_{alone(config)} {
    const std::string& path = config.file.path;
    const std::filesystem::path folder =
        std::filesystem::path{path.substr(0, path.find('{'))}.parent_path();
    std::error_code ignored;
    if (!std::filesystem::exists(folder, ignored)) made_folder_ = folder;
    entries_ = folder / fmt::format("bench-{}.npy", ::getpid());
    records_ = entries_.string() + ".records";
    config_.file.enabled = true;
    config_.file.path = entries_.string();
  }
  ~FileScratch() override {
    std::error_code ignored;
    std::filesystem::remove(entries_, ignored);
    std::filesystem::remove(records_, ignored);
    if (!made_folder_.empty()) std::filesystem::remove(made_folder_, ignored);
  }
  FileScratch(const FileScratch&) = delete;
  FileScratch& operator=(const FileScratch&) = delete;

  [[nodiscard]] std::string name() const override { return "file"; }
  [[nodiscard]] std::string describe() const override {
    return fmt::format("{} and {}", entries_.string(), records_.filename().string());
  }
  [[nodiscard]] const ExporterConfig& config() const noexcept override { return config_; }
  [[nodiscard]] std::optional<std::uint64_t> count() override {
    return count_records(*exporter::open_file_source(records_));
  }
  [[nodiscard]] std::optional<std::uint64_t> bytes() override {
    return std::filesystem::file_size(entries_) + std::filesystem::file_size(records_);
  }
  void clear() override {
    std::filesystem::remove(entries_);
    std::filesystem::remove(records_);
  }

 private:
  ExporterConfig config_;
  std::filesystem::path entries_, records_;
  std::filesystem::path made_folder_;  // empty: it was there
};

class NoScratch final : public ScratchStore {
 public:
  explicit NoScratch(const ExporterConfig& config) : config_{alone(config)} {}
  [[nodiscard]] std::string name() const override { return "no store"; }
  [[nodiscard]] std::string describe() const override { return "records are thrown away"; }
  [[nodiscard]] const ExporterConfig& config() const noexcept override { return config_; }
  [[nodiscard]] std::optional<std::uint64_t> count() override { return std::nullopt; }
  [[nodiscard]] std::optional<std::uint64_t> bytes() override { return std::nullopt; }
  void clear() override {}

 private:
  ExporterConfig config_;
};

}  // namespace

std::vector<std::unique_ptr<ScratchStore>> make_scratch_stores(const ExporterConfig& config,
                                                               std::optional<std::uint32_t> key) {
  std::vector<std::unique_ptr<ScratchStore>> stores;
  for (const RedisForm form : {RedisForm::valinor_zset, RedisForm::stream}) {
    if (!config.redis.enabled) break;
    if (config.redis.format != form && config.redis.format != RedisForm::both) continue;
    stores.push_back(std::make_unique<RedisScratch>(config, form, key));
  }
  if (config.file.enabled) stores.push_back(std::make_unique<FileScratch>(config));
  if (stores.empty()) stores.push_back(std::make_unique<NoScratch>(config));
  return stores;
}

}  // namespace valinor::app
