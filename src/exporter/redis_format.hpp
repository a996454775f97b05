/// In which form records stand under a key of Redis: which commands store a batch, and what the
/// answers to them mean. RedisStore moves the bytes.
///
///   valinor-zset  ZADD <run> <score> <member> ...       what the Valinor notebooks read
///   stream        XADD <run>:stream <id> v 1 r <block>  each record whole, in blocks
///
/// The exporter's thread only.
#pragma once

#include <hiredis/hiredis.h>

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "exporter/config.hpp"
#include "exporter/record_store.hpp"
#include "telemetry/record.hpp"

namespace valinor::exporter {

/// What is known of a batch while its answer is awaited.
struct SentBatch {
  std::size_t records = 0;
  bool maybe_stored = false;
  bool is_question = false;  // whether it is there, as its Batch::id was given before
  bool is_final = false;     // ... and whether a "no" will stay one
};

class RedisFormat {
 public:
  virtual ~RedisFormat() = default;

  /// Of the key that is written.
  [[nodiscard]] virtual const std::string& key() const = 0;

  /// The command, for messages: "ZADD".
  [[nodiscard]] virtual std::string_view command() const = 0;

  /// RecordStore::encode() and RecordStore::next_id().
  virtual void encode(const telemetry::RecordView& record, std::vector<std::byte>& rows) const = 0;
  [[nodiscard]] virtual BatchId next_id() { return {}; }

  /// Appends one command, which stores the batch, or asks whether it is there.
  [[nodiscard]] virtual SentBatch append(const Batch& batch, std::string& out) = 0;

  /// What the answer says; nothing: it is none to such a command. Of errors only those that are
  /// the format's own business.
  [[nodiscard]] virtual std::optional<Outcome> judge(const redisReply& reply,
                                                     const SentBatch& batch) = 0;

  /// Whether all is known of the key that the next batch needs. If not, commands ask for it, one
  /// after another, once nothing else is unanswered; learn() takes each answer, or says no to one
  /// that it does not understand.
  [[nodiscard]] virtual bool is_prepared() const { return true; }
  virtual void append_question(std::string&) {}
  [[nodiscard]] virtual bool learn(const redisReply&) { return true; }

  /// The connection is gone, and with it what was known of the key.
  virtual void forget() {}
};

/// The name of what a run's records are stored under: "7", "7:stream", in a cluster "7:{3}".
[[nodiscard]] std::string to_redis_key(const RedisConfig& config, std::uint32_t run);

/// The one that `config` names, for the records of run `run`.
[[nodiscard]] std::unique_ptr<RedisFormat> make_redis_format(const RedisConfig& config,
                                                             std::uint32_t run,
                                                             RecordTime record_time);

/// The kinds.
[[nodiscard]] std::unique_ptr<RedisFormat> make_zset_format(std::string key, Score score,
                                                            RecordTime record_time);
[[nodiscard]] std::unique_ptr<RedisFormat> make_stream_format(const RedisConfig& config,
                                                              std::uint32_t run);

}  // namespace valinor::exporter
