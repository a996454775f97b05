// Records in a sorted set, in the form of the Valinor notebooks: one ZADD carries one batch.
//
// A sorted set holds equal records once, so sending a batch twice is harmless, and the answer of a
// first ZADD tells how many were there already (`collapsed`). After a lost link the answer to the
// second ZADD is read so: ZADD stores all or nothing, so an answer above 0 means that the first had
// not arrived, and the count is as good as that of a first one; 0 means almost always that it had,
// so all records count as stored and `unsure` says how many.
//
// With Score::run_relative the first thing asked of a key is its first entry, whose time less its
// score is the zero from which the set counts, also where that is an earlier run's. A set without
// entries counts from the first record that is sent.

#include <charconv>
#include <cmath>
#include <cstdlib>
#include <utility>

#include "exporter/redis_format.hpp"
#include "exporter/redis_reply.hpp"
#include "exporter/resp.hpp"
#include "exporter/valinor_entry.hpp"

namespace valinor::exporter {
namespace {

/// Of a sorted set's entry, as ZRANGE WITHSCORES tells it: its time less its score. Nothing where
/// the member is none of ours.
std::optional<std::uint64_t> zero_of(std::string_view member, const std::string& score) {
  constexpr std::size_t kTimeDigits = 16;
  if (member.size() != 2 * kValinorRowBytes) return std::nullopt;
  std::uint64_t time = 0;
  const auto [end, error] = std::from_chars(member.data(), member.data() + kTimeDigits, time, 16);
  if (error != std::errc{} || end != member.data() + kTimeDigits) return std::nullopt;
  const double count = std::strtod(score.c_str(), nullptr);
  constexpr double kMost = 0x1p63;
  if (!(std::abs(count) < kMost)) return std::nullopt;
  const std::uint64_t zero = time - static_cast<std::uint64_t>(static_cast<std::int64_t>(count));
  // A rounded score may be a little more than the time.
  return static_cast<std::int64_t>(zero) < 0 ? 0 : zero;
}

class ZsetFormat final : public RedisFormat {
 public:
  ZsetFormat(std::string key, Score score, RecordTime record_time)
      : key_{std::move(key)}, score_{score}, record_time_{record_time} {}

  [[nodiscard]] const std::string& key() const override { return key_; }
  [[nodiscard]] std::string_view command() const override { return "ZADD"; }

  void encode(const telemetry::RecordView& record, std::vector<std::byte>& rows) const override {
    const ValinorRow row = to_row(to_entry(record.packet, record.hops, record_time_));
    rows.insert(rows.end(), row.begin(), row.end());
  }

  [[nodiscard]] SentBatch append(const Batch& batch, std::string& out) override {
    if (score_ == Score::run_relative && !zero_) zero_ = timestamp_of(batch.rows.data());
    resp::append_zadd(out, key_, batch.rows, zero_.value_or(0));
    return {.records = batch.records, .maybe_stored = batch.maybe_stored};
  }

  [[nodiscard]] std::optional<Outcome> judge(const redisReply& reply,
                                             const SentBatch& batch) override {
    if (reply.type != REDIS_REPLY_INTEGER || reply.integer < 0) return std::nullopt;
    const auto added = static_cast<std::uint64_t>(reply.integer);
    if (added > batch.records) return std::nullopt;
    if (batch.maybe_stored && added == 0) return Outcome{.unsure = batch.records, .reason = {}};
    return Outcome{.collapsed = batch.records - added, .reason = {}};
  }

  [[nodiscard]] bool is_prepared() const override {
    return score_ == Score::epoch || knows_first_entry_;
  }

  void append_question(std::string& out) override {
    resp::append_command(out, {"ZRANGE", key_, "0", "0", "WITHSCORES"});
  }

  [[nodiscard]] bool learn(const redisReply& reply) override {
    if (reply.type != REDIS_REPLY_ARRAY) return false;
    if (reply.elements == 2) {
      zero_ = zero_of(to_text(*reply.element[0]), std::string{to_text(*reply.element[1])});
    }
    knows_first_entry_ = true;
    return true;
  }

 private:
  std::string key_;
  Score score_;
  RecordTime record_time_;
  std::optional<std::uint64_t> zero_;  // timestamp of score 0; nothing: that of the next row
  bool knows_first_entry_ = false;     // or that the set has none
};

}  // namespace

std::unique_ptr<RedisFormat> make_zset_format(std::string key, Score score,
                                              RecordTime record_time) {
  return std::make_unique<ZsetFormat>(std::move(key), score, record_time);
}

}  // namespace valinor::exporter
