/// Keeps records in a Redis sorted set, in the form of the Valinor notebooks: the set's name is the
/// run's key, one ZADD carries one batch. Nothing else is written: the notebooks read every key.
///
/// An error that may pass (LOADING, OOM, also WRONGTYPE or NOPERM, which an operator can repair)
/// refuses the batch: it stays with the exporter and is tried again, one at a time, after 100 ms
/// doubling to 5 s. An error about the command itself rejects the batch for good.
///
/// Where the server is may change: each new connection asks the locator, and an error that sends us
/// elsewhere (READONLY of a sentinel's former master; MOVED, ASK of a cluster) ends the connection
/// as a lost link does.
///
/// A sorted set holds equal records once, so sending a batch twice is harmless, and the answer of
/// a first ZADD tells how many were there already (`collapsed`). After a lost link the answer to
/// the second ZADD is read so: ZADD stores all or nothing, so an answer above 0 means that the
/// first had not arrived, and the count is as good as that of a first one; 0 means almost always
/// that it had, so all records count as stored and `unsure` says how many.
///
/// With Score::run_relative the first thing asked of a key is its first entry, whose time less its
/// score is the zero from which the set counts, also where that is an earlier run's. A set without
/// entries counts from the first record that is sent.
#pragma once

#include <chrono>
#include <cstddef>
#include <deque>
#include <memory>
#include <optional>
#include <string>

#include "exporter/backoff.hpp"
#include "exporter/config.hpp"
#include "exporter/record_store.hpp"
#include "exporter/redis_connection.hpp"
#include "exporter/redis_locator.hpp"

namespace valinor::exporter {

/// RecordStore::name() of such a store.
[[nodiscard]] std::string store_name(const RedisConfig& config);

class RedisStore final : public RecordStore {
 public:
  /// `key` is the run's. Reads what read_access() says, which throws; does not connect yet.
  RedisStore(const RedisConfig& config, std::uint32_t key,
             RecordTime record_time = RecordTime::network_switch);

  [[nodiscard]] std::string name() const override;
  void encode(const telemetry::RecordView& record, std::vector<std::byte>& rows) const override;
  [[nodiscard]] bool ready() override;
  void hurry() override;
  [[nodiscard]] std::string trouble() const override { return trouble_; }
  [[nodiscard]] std::size_t max_in_flight() const override;
  void submit(const Batch& batch) override;
  [[nodiscard]] std::optional<Outcome> poll(std::chrono::milliseconds patience) override;

 private:
  using Clock = std::chrono::steady_clock;
  struct Unanswered {
    std::size_t records;
    bool maybe_stored;
    bool asking;  // the answer to ASKING comes first
  };

  [[nodiscard]] Result<bool> connect();
  [[nodiscard]] bool knows_zero();
  void judge_first_entry(const redisReply& reply);

  [[nodiscard]] std::optional<Outcome> report_lost_link();
  [[nodiscard]] Outcome judge(const redisReply& reply);
  [[nodiscard]] Outcome count_added(const Unanswered& batch, std::uint64_t added);
  [[nodiscard]] Outcome judge_refusal(std::string reason);
  void wait_for_next_attempt();
  void lose_link(const Error& error);

  RedisConfig config_;
  RecordTime record_time_;
  std::string key_;
  RedisAccess access_;
  std::unique_ptr<RedisLocator> locator_;
  RedisConnection connection_;
  Backoff backoff_;
  Clock::time_point next_attempt_{};
  Clock::time_point last_sign_{};  // of life: the last answer, or the first command after silence
  std::deque<Unanswered> unanswered_;
  std::optional<std::uint64_t> zero_;  // timestamp of score 0; nothing: that of the next row
  std::size_t zero_replies_ = 0;  // that come before the set's first entry, and it; 0: not asked
  bool zero_settled_ = false;     // the set has said which, or that it has no entry
  std::string trouble_;
  bool asking_ = false;          // ASKING goes before each ZADD
  bool was_redirected_ = false;  // since a batch was stored: servers may send us in circles
  bool was_connected_ = false;   // ever: else a server is not "lost", it was never there
};

}  // namespace valinor::exporter
