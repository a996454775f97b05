#include "app/export_redis.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <deque>
#include <utility>
#include <vector>

#include "app/patience.hpp"
#include "base/failure.hpp"
#include "base/log.hpp"
#include "base/numbers.hpp"
#include "exporter/exporter.hpp"
#include "exporter/make_store.hpp"
#include "exporter/redis_format.hpp"
#include "exporter/shards.hpp"
#include "exporter/valinor_entry.hpp"
#include "exporter/zset_restore.hpp"

namespace valinor::app {
namespace {

using exporter::ExporterConfig;
using exporter::RdbZset;
using exporter::RedisConfig;
using exporter::RedisDialog;
using exporter::RedisForm;
using exporter::TargetBooks;
using exporter::ValinorRow;
using std::chrono::steady_clock;

/// A store that has stored nothing for so long, though records waited, is given up.
constexpr std::chrono::seconds kRedisPatience{30};

/// Between two looks at how far the exporter's thread is.
constexpr std::chrono::milliseconds kRedisTick{1};

/// Records in the ring on their way to the exporter's thread: 16 MiB.
constexpr std::size_t kRingBytes = 16 * kMiB;
constexpr std::size_t kPublishEvery = 64;

[[noreturn]] void stop_writing(const std::string& where, const std::string& why) {
  throw Failure{ExitStatus::host_not_ready,
                {"EXPORT-WRITE-03", "cannot write records to " + where, why,
                 "valinor-afxdp doctor    tells more about the server"}};
}

/// One key, and what is to go there at once.
class KeyWriter {
 public:
  KeyWriter(const RedisConfig& config, std::uint32_t run, bool overwrite)
      : form_{config.format},
        key_{exporter::to_redis_key(config, run)},
        name_{fmt::format("{} {} of {}",
                          form_ == RedisForm::stream ? "the stream" : "the sorted set", key_,
                          config.address.to_url())},
        overwrite_{overwrite},
        is_restorable_{config.score == exporter::Score::epoch},
        dialog_{config, exporter::read_access(config), key_, "valinor-afxdp:export"} {
    look();
  }

  [[nodiscard]] const std::string& name() const noexcept { return name_; }

  /// Before the first record is sent there otherwise than by a RESTORE.
  void make_way() {
    if (in_the_way_) remove();
    in_the_way_ = false;
  }

  /// Whether rows are kept for a RESTORE.
  [[nodiscard]] bool collects() const noexcept { return collects_; }
  void collect(const ValinorRow& row) { rows_.push_back(row); }
  [[nodiscard]] std::size_t collected() const noexcept { return rows_.size(); }

  /// Stores what is collected; the rows that the server did not take that way. No others are
  /// collected from now on.
  [[nodiscard]] std::vector<ValinorRow> restore(TargetBooks& books) {
    collects_ = false;
    RdbZset zset{std::exchange(rows_, {})};
    books.collapsed += zset.duplicates();
    if (zset.members() == 0) {
      if (overwrite_) remove();
      return {};
    }
    const Result<void> done = exporter::restore_zset(dialog_, key_, zset, overwrite_);
    if (done) {
      books.written += zset.members();
      return {};
    }
    log::info("{} is written by ZADD: {}", name_, done.error().doing);
    if (overwrite_) remove();
    return zset.rows();
  }

 private:
  void look() {
    const std::string type = ask({"TYPE", key_});
    const bool is_zset = form_ == RedisForm::valinor_zset;
    if (type != "none" && !overwrite_ && type != (is_zset ? "zset" : "")) {
      throw Failure{ExitStatus::host_not_ready,
                    {"EXPORT-KEY-02", "cannot write to " + name_,
                     fmt::format("the key holds a {} already", type),
                     "--overwrite replaces it;  redis-cli type " + key_}};
    }
    collects_ = is_zset && is_restorable_ && (type == "none" || overwrite_);
    in_the_way_ = !collects_ && overwrite_ && type != "none";
  }

  void remove() { (void)ask({"UNLINK", key_}); }

  std::string ask(std::initializer_list<std::string_view> words) {
    const Result<exporter::RedisReply> reply = dialog_.ask(words);
    if (!reply) stop_writing(name_, reply.error().doing + ": " + reply.error().code.message());
    std::string text{exporter::to_text(**reply)};
    if ((*reply)->type == REDIS_REPLY_ERROR) stop_writing(name_, text);
    return text;
  }

  RedisForm form_;
  std::string key_;
  std::string name_;
  bool overwrite_;
  bool is_restorable_;  // scores that count from the set's first record are ZADD's
  RedisDialog dialog_;
  bool collects_ = false;
  bool in_the_way_ = false;  // what the key holds, which is to be replaced
  std::vector<ValinorRow> rows_;
};

class RedisTarget final : public exporter::RecordTarget {
 public:
  RedisTarget(const ExporterConfig& config, bool overwrite, Signals& signals)
      : config_{config}, signals_{signals} {
    config_.when_full = exporter::WhenFull::wait;
    config_.file.enabled = false;
    for (const RedisConfig& shard : exporter::split_shards(config_.redis)) {
      keys_.emplace_back(shard, config_.key, overwrite);
    }
    most_collected_ = std::min(exporter::kMostRdbRows,
                               config_.memory_bytes / exporter::kValinorRowBytes / keys_.size());
  }

  [[nodiscard]] std::string name() const override {
    const std::string& first = keys_.front().name();
    return keys_.size() == 1 ? first : fmt::format("{} and {} more", first, keys_.size() - 1);
  }

  void write(const telemetry::RecordView& record) override {
    const auto count = static_cast<std::uint32_t>(keys_.size());
    KeyWriter& key = keys_[count == 1 ? 0 : exporter::shard_of(record, count)];
    if (!key.collects()) return send(record);
    key.collect(to_row(to_entry(record.packet, record.hops, config_.record_time)));
    if (key.collected() >= most_collected_) restore(key);
  }

  [[nodiscard]] TargetBooks finish() override {
    for (KeyWriter& key : keys_) {
      if (key.collects()) restore(key);
    }
    if (exporter_) finish_sending();
    return books_;
  }

 private:
  void restore(KeyWriter& key) {
    for (const ValinorRow& row : key.restore(books_)) {
      const telemetry::PacketRecord record = exporter::to_record(exporter::to_entry(row));
      send({record, {}});
    }
  }

  void send(const telemetry::RecordView& record) {
    if (!exporter_) start_sending();
    const auto hops = static_cast<std::uint16_t>(record.hops.size());
    telemetry::RecordSlot slot = ring_.reserve(hops);
    while (slot.packet == nullptr) {
      ring_.publish();
      wait();
      slot = ring_.reserve(hops);
    }
    *slot.packet = record.packet;
    std::ranges::copy(record.hops, slot.hops);
    ring_.commit(slot);
    if (++sent_ % kPublishEvery == 0) ring_.publish();
  }

  void start_sending() {
    for (KeyWriter& key : keys_) key.make_way();
    exporter_ = std::make_unique<exporter::Exporter>(config_, exporter::make_sinks(config_).parts,
                                                     exporter::Exporter::Rings{std::ref(ring_)});
  }

  /// For the exporter's thread to get on. One that cannot for a long time is told not to wait.
  void wait() {
    if (std::string name = signals_.wait(kRedisTick); !name.empty()) {
      throw Interrupted{std::move(name)};
    }
    if (!patience_.is_over(answered(), true, steady_clock::now()) || gave_up_) return;
    gave_up_ = true;
    log::error("no record was stored for {} s; from here on, what finds the memory full is lost",
               kRedisPatience.count());
    exporter_->stop_waiting();
  }

  [[nodiscard]] std::uint64_t answered() const {
    std::uint64_t sum = 0;
    for (const auto& group : exporter_->totals()) sum += group.answered();
    return sum;
  }

  void finish_sending() {
    ring_.publish();
    while (!gave_up_ && !exporter_->failed() && answered() != sent_) wait();
    exporter_->stop(steady_clock::now());
    exporter_->throw_if_failed();
    for (const auto& group : exporter_->totals()) {
      books_.written += group.stored;
      books_.collapsed += group.collapsed;
      books_.lost += group.all_lost();
    }
    books_.why_lost = "Redis did not take them; see the log above";
  }

  ExporterConfig config_;
  Signals& signals_;
  std::deque<KeyWriter> keys_;
  std::size_t most_collected_ = 0;
  telemetry::RecordRing ring_{kRingBytes};
  std::unique_ptr<exporter::Exporter> exporter_;  // what is not restored goes by it
  std::uint64_t sent_ = 0;                        // to it
  Patience patience_{kRedisPatience, steady_clock::now()};
  bool gave_up_ = false;
  TargetBooks books_;
};

}  // namespace

std::unique_ptr<exporter::RecordTarget> open_redis_target(const ExporterConfig& config,
                                                          bool overwrite, Signals& signals) {
  return std::make_unique<RedisTarget>(config, overwrite, signals);
}

}  // namespace valinor::app
