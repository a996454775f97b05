// Records in a sorted set, in the form of the Valinor notebooks: one ZADD carries one batch.
//
// A sorted set holds equal records once, so sending a batch twice is harmless, and the answer of a
// first ZADD tells how many were there already (`collapsed`). After a lost link the answer to the
// second ZADD is read so: ZADD stores all or nothing, so an answer above 0 means that the first had
// not arrived, and the count is as good as that of a first one; 0 means almost always that it had,
// so all records count as stored and `unsure` says how many.

#include <utility>

#include "exporter/redis_format.hpp"
#include "exporter/resp.hpp"
#include "exporter/valinor_entry.hpp"

namespace valinor::exporter {
namespace {

class ZsetFormat final : public RedisFormat {
 public:
  ZsetFormat(std::string key, RecordTime record_time)
      : key_{std::move(key)}, record_time_{record_time} {}

  [[nodiscard]] const std::string& key() const override { return key_; }
  [[nodiscard]] std::string_view command() const override { return "ZADD"; }

  void encode(const telemetry::RecordView& record, std::vector<std::byte>& rows) const override {
    const ValinorRow row = to_row(to_entry(record.packet, record.hops, record_time_));
    rows.insert(rows.end(), row.begin(), row.end());
  }

  [[nodiscard]] SentBatch append(const Batch& batch, std::string& out) override {
    resp::append_zadd(out, key_, batch.rows);
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

 private:
  std::string key_;
  RecordTime record_time_;
};

}  // namespace

std::unique_ptr<RedisFormat> make_zset_format(std::string key, RecordTime record_time) {
  return std::make_unique<ZsetFormat>(std::move(key), record_time);
}

}  // namespace valinor::exporter
