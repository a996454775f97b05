// Records in a stream: one entry a batch, which holds each record whole, with all its hops.
//
//   XADD 7:stream [MAXLEN ~ <blocks>] <id> v 1 r <block>
//
// A block is what a NAME.npy.records file is: RecordFileHeader and records (record_file.hpp).
//
// An id is given before a batch is sent for the first time, and stays with it: <ms>-<writer><n>,
// of the time in milliseconds (or later, ids must rise), 32 bits by chance that are this writer's,
// and 32 bits that count. An id is in the stream or not, so whether a batch is stored whose answer
// was lost is asked: XRANGE <key> <id> <id>. That "ids must rise" refuses an id which is sent again
// would not do: it also refuses one that was never stored, where a later one was.
//
// It makes "not there" final, though: a server that hung may still hold what a lost connection had
// sent, and execute it after it has answered our question. So before a "no" is believed, a block
// without records is added (the fence), and ids below it can no longer be.

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstring>
#include <random>
#include <utility>

#include "exporter/record_file.hpp"
#include "exporter/redis_format.hpp"
#include "exporter/redis_reply.hpp"
#include "exporter/resp.hpp"

namespace valinor::exporter {
namespace {

/// Milliseconds since 1970.
std::uint64_t now_ms() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::milliseconds>(now).count());
}

/// "1700000000000-3"
std::string id_text(const BatchId& id) {
  return std::to_string(id.high) + "-" + std::to_string(id.low);
}

std::string make_block_head(std::uint32_t run) {
  RecordFileHeader header;
  header.key = run;
  std::string head(sizeof header, '\0');
  std::memcpy(head.data(), &header, sizeof header);
  return head;
}

class StreamFormat final : public RedisFormat {
 public:
  StreamFormat(const RedisConfig& config, std::uint32_t run)
      : key_{to_redis_key(config, run)}, head_{make_block_head(run)} {
    const std::uint64_t block = std::max(config.batch_records, 1U);
    if (config.stream_max_records != 0) {
      max_blocks_ = std::to_string((config.stream_max_records + block - 1) / block);
    }
  }

  [[nodiscard]] const std::string& key() const override { return key_; }
  [[nodiscard]] std::string_view command() const override { return "XADD"; }

  void encode(const telemetry::RecordView& record, std::vector<std::byte>& rows) const override {
    append_record(record, rows);
  }

  [[nodiscard]] BatchId next_id() override {
    if (++count_ == 0) ++least_ms_;  // after 2^32
    least_ms_ = std::max(least_ms_, now_ms());
    unsent_ = {least_ms_, std::uint64_t{writer_} << 32 | count_};
    return unsent_;
  }

  [[nodiscard]] SentBatch append(const Batch& batch, std::string& out) override {
    const std::string id = id_text(batch.id);
    SentBatch sent{.records = batch.records};
    sent.is_question = batch.id != unsent_;  // also those of an earlier process
    sent.is_final = batch.id < fence_;
    if (sent.is_question) {
      resp::append_command(out, {"XRANGE", key_, id, id});
      if (!sent.is_final) doubtful_ms_ = std::max(doubtful_ms_, batch.id.high);
    } else {
      append_xadd(id, {reinterpret_cast<const char*>(batch.rows.data()), batch.rows.size()}, out);
    }
    unsent_ = {};
    return sent;
  }

  [[nodiscard]] std::optional<Outcome> judge(const redisReply& reply,
                                             const SentBatch& batch) override {
    if (reply.type == REDIS_REPLY_ERROR) {
      if (!is_too_small(reply)) return std::nullopt;
      return Outcome{.kind = Outcome::Kind::absent, .reason = {}};
    }
    if (!batch.is_question) {
      const bool is_id = reply.type == REDIS_REPLY_STRING || reply.type == REDIS_REPLY_STATUS;
      return is_id ? std::optional{Outcome{.reason = {}}} : std::nullopt;
    }
    if (reply.type != REDIS_REPLY_ARRAY) return std::nullopt;
    if (reply.elements != 0) return Outcome{.reason = {}};
    if (batch.is_final) return Outcome{.kind = Outcome::Kind::absent, .reason = {}};
    wants_fence_ = true;  // then it is asked again
    return Outcome{.kind = Outcome::Kind::refused, .reason = {}};
  }

  [[nodiscard]] bool is_prepared() const override { return knows_top_ && !wants_fence_; }

  void append_question(std::string& out) override {
    if (!knows_top_) return resp::append_command(out, {"XINFO", "STREAM", key_});
    least_ms_ = std::max(least_ms_, doubtful_ms_ + 1);
    next_fence_ = next_id();
    unsent_ = {};
    append_xadd(id_text(next_fence_), {}, out);
  }

  [[nodiscard]] bool learn(const redisReply& reply) override {
    if (!knows_top_) return learn_top(reply);
    if (reply.type == REDIS_REPLY_ERROR) return is_too_small(reply);
    fence_ = next_fence_;
    wants_fence_ = false;
    return true;
  }

  void forget() override { knows_top_ = false; }

 private:
  /// Somebody else writes there: the newest id has to be asked for.
  bool is_too_small(const redisReply& error) {
    if (exporter::to_text(error).find("equal or smaller") == std::string_view::npos) return false;
    knows_top_ = false;
    return true;
  }

  /// Names and values in turn; of a stream that is not there yet an error.
  bool learn_top(const redisReply& reply) {
    if (reply.type == REDIS_REPLY_ERROR) {
      knows_top_ = exporter::to_text(reply).starts_with("ERR no such key");
      return knows_top_;
    }
    for (std::size_t i = 0; i + 1 < reply.elements; i += 2) {
      if (exporter::to_text(*reply.element[i]) != "last-generated-id") continue;
      const std::string_view id = exporter::to_text(*reply.element[i + 1]);
      std::uint64_t ms = 0;
      std::from_chars(id.data(), id.data() + id.size(), ms);
      least_ms_ = std::max(least_ms_, ms + 1);
      knows_top_ = true;
    }
    return knows_top_;
  }

  void append_xadd(std::string_view id, std::string_view rows, std::string& out) const {
    if (max_blocks_.empty()) {
      resp::append_command(out, {"XADD", key_, id, "v", "1", "r"}, head_, rows);
    } else {
      resp::append_command(out, {"XADD", key_, "MAXLEN", "~", max_blocks_, id, "v", "1", "r"},
                           head_, rows);
    }
  }

  std::string key_;
  std::string head_;        // of each block
  std::string max_blocks_;  // empty: all are kept
  const std::uint32_t writer_ = std::random_device{}();
  std::uint32_t count_ = 0;
  std::uint64_t least_ms_ = 0;  // of the next id
  BatchId unsent_;              // the one given last, until it is sent
  bool knows_top_ = false;      // least_ms_ is above all ids of the stream
  BatchId fence_;               // whatever has a smaller id is there, or never will be
  BatchId next_fence_;          // on its way
  bool wants_fence_ = false;
  std::uint64_t doubtful_ms_ = 0;  // of the largest id that was asked for above the fence
};

}  // namespace

std::unique_ptr<RedisFormat> make_stream_format(const RedisConfig& config, std::uint32_t run) {
  return std::make_unique<StreamFormat>(config, run);
}

}  // namespace valinor::exporter
