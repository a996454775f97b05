/// Keeps records in one key of Redis, in the form that a RedisFormat knows; nothing else is
/// written: the Valinor notebooks read every key.
///
/// An error that may pass (LOADING, OOM, also WRONGTYPE or NOPERM, which an operator can repair)
/// refuses the batch: it stays with the exporter and is tried again, one at a time, after 100 ms
/// doubling to 5 s. An error about the command itself rejects the batch for good.
///
/// Where the server is may change: each new connection asks the locator, and an error that sends us
/// elsewhere (READONLY of a sentinel's former master; MOVED, ASK of a cluster) ends the connection
/// as a lost link does.
///
/// What the format needs to know of the key is asked once a connection is there.
#pragma once

#include <chrono>
#include <cstddef>
#include <deque>
#include <memory>
#include <string>

#include "exporter/backoff.hpp"
#include "exporter/config.hpp"
#include "exporter/record_store.hpp"
#include "exporter/redis_connection.hpp"
#include "exporter/redis_format.hpp"
#include "exporter/redis_locator.hpp"

namespace valinor::exporter {

/// RecordStore::name() of such a store. Rows on disk are those of a store of the same name.
[[nodiscard]] std::string store_name(const RedisConfig& config);

class RedisStore final : public RecordStore {
 public:
  /// `key` is the run's. Reads what read_access() says, which throws; does not connect yet.
  RedisStore(const RedisConfig& config, std::uint32_t key,
             RecordTime record_time = RecordTime::network_switch);

  [[nodiscard]] std::string name() const override;
  void encode(const telemetry::RecordView& record, std::vector<std::byte>& rows) const override {
    format_->encode(record, rows);
  }
  [[nodiscard]] BatchId next_id() override { return format_->next_id(); }
  [[nodiscard]] bool ready() override;
  void hurry() override;
  [[nodiscard]] std::string trouble() const override { return trouble_; }
  [[nodiscard]] std::size_t max_in_flight() const override;
  void submit(const Batch& batch) override;
  [[nodiscard]] std::optional<Outcome> poll(std::chrono::microseconds patience) override;

 private:
  using Clock = std::chrono::steady_clock;
  struct Unanswered {
    SentBatch batch;
    bool asking;  // the answer to ASKING comes first
  };
  enum class Question { none, asking, asked };  // asking: the answer to ASKING comes first

  [[nodiscard]] Result<bool> connect();
  [[nodiscard]] bool prepare();
  [[nodiscard]] Result<bool> ask_format();

  [[nodiscard]] std::optional<Outcome> report_lost_link();
  [[nodiscard]] Outcome judge(const redisReply& reply);
  [[nodiscard]] Outcome judge_refusal(std::string reason);
  [[nodiscard]] bool is_still_in_charge(const std::string& refusal);
  void wait_for_next_attempt();
  void lose_link(const Error& error);
  void forget_link();

  RedisConfig config_;
  std::unique_ptr<RedisFormat> format_;
  RedisAccess access_;
  std::unique_ptr<RedisLocator> locator_;
  RedisConnection connection_;
  Backoff backoff_;
  Clock::time_point next_attempt_{};
  Clock::time_point last_sign_{};  // of life: the last answer, or the first command after silence
  std::deque<Unanswered> unanswered_;
  std::string trouble_;
  Question question_ = Question::none;  // of the format's, that is unanswered
  bool asking_ = false;                 // ASKING goes before each command
  bool was_redirected_ = false;         // since a batch was stored: servers may send us in circles
  bool was_connected_ = false;          // ever: else a server is not "lost", it was never there
};

}  // namespace valinor::exporter
