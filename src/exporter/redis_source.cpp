#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <deque>
#include <span>

#include "base/failure.hpp"
#include "exporter/record_file.hpp"
#include "exporter/record_source.hpp"
#include "exporter/redis_dialog.hpp"
#include "exporter/redis_format.hpp"
#include "exporter/shards.hpp"
#include "exporter/valinor_entry.hpp"

namespace valinor::exporter {
namespace {

/// Members of a sorted set that are asked for at a time. More: the server answers nobody else for
/// longer than about 2 ms.
constexpr std::uint64_t kMembersAtATime = 8192;
/// Entries of a stream; each has a block.
constexpr std::string_view kEntriesAtATime = "32";

[[noreturn]] void stop_reading(const std::string& what, const std::string& why) {
  throw Failure{ExitStatus::host_not_ready,
                {"EXPORT-READ-03", "cannot read " + what, why,
                 "valinor-afxdp doctor    tells more about the server"}};
}

/// One key, with the server that has it.
class KeyReader {
 public:
  KeyReader(const RedisConfig& config, std::uint32_t run)
      : key_{to_redis_key(config, run)},
        name_{fmt::format("{} {} of {}",
                          config.format == RedisForm::stream ? "the stream" : "the sorted set",
                          key_, config.address.to_url())},
        dialog_{config, read_access(config), key_, "valinor-afxdp:export"} {}

  [[nodiscard]] const std::string& key() const noexcept { return key_; }
  [[nodiscard]] const std::string& name() const noexcept { return name_; }

  [[nodiscard]] RedisReply ask(std::initializer_list<std::string_view> words, int type) {
    Result<RedisReply> reply = dialog_.ask(words);
    if (!reply) {
      stop_reading(name_, reply.error().doing + ": " + reply.error().code.message());
    }
    if ((*reply)->type != type) stop_reading(name_, std::string{to_text(**reply)});
    return std::move(*reply);
  }

  /// How long it is; 0: there is no such key.
  [[nodiscard]] std::uint64_t count(std::string_view command) {
    return static_cast<std::uint64_t>(ask({command, key_}, REDIS_REPLY_INTEGER)->integer);
  }

 private:
  std::string key_;
  std::string name_;
  RedisDialog dialog_;
};

/// "the sorted set 7 of redis://10.0.0.1:6379/0 and 2 more"
std::string describe(const KeyReader& first, std::size_t all) {
  return all == 1 ? first.name() : fmt::format("{} and {} more", first.name(), all - 1);
}

[[noreturn]] void refuse_empty(const std::string& what, RedisForm form) {
  throw Failure{
      ExitStatus::host_not_ready,
      {"EXPORT-KEY-01", "there is no record in " + what, "no such key is there",
       std::string{"another --key, or  --from "} + (form == RedisForm::stream ? "zset" : "stream") +
           "    (redis-cli --scan shows all keys)"}};
}

constexpr unsigned kNoByte = 256;  // this and all above

consteval std::array<std::uint16_t, 256> make_nibbles() {
  std::array<std::uint16_t, 256> values{};
  values.fill(kNoByte);
  for (unsigned n = 0; n < 10; ++n) values['0' + n] = static_cast<std::uint16_t>(n);
  for (unsigned n = 0; n < 6; ++n) {
    values['a' + n] = values['A' + n] = static_cast<std::uint16_t>(10 + n);
  }
  return values;
}
constexpr auto kNibbles = make_nibbles();

/// The byte of two hex digits; kNoByte or more where they are none.
unsigned hex_byte(char high, char low) noexcept {
  const auto value = [](char digit) -> unsigned {
    return kNibbles[static_cast<unsigned char>(digit)];
  };
  return value(high) << 4 | value(low);
}

/// The members of one sorted set in their order, a piece at a time.
class ZsetShard {
 public:
  ZsetShard(const RedisConfig& config, std::uint32_t run)
      : reader_{config, run}, members_{reader_.count("ZCARD")} {}

  [[nodiscard]] const KeyReader& reader() const noexcept { return reader_; }
  [[nodiscard]] std::uint64_t members() const noexcept { return members_; }
  [[nodiscard]] std::uint64_t foreign() const noexcept { return foreign_; }

  /// The next row; null: there are no more.
  [[nodiscard]] const ValinorRow* peek() {
    while (next_ == rows_.size() && !done_) read_piece();
    return next_ == rows_.size() ? nullptr : &rows_[next_];
  }
  void pop() noexcept { ++next_; }

 private:
  void read_piece() {
    rows_.clear();
    next_ = 0;
    const std::string from = std::to_string(at_);
    const std::string to = std::to_string(at_ + kMembersAtATime - 1);
    const RedisReply reply = reader_.ask({"ZRANGE", reader_.key(), from, to}, REDIS_REPLY_ARRAY);
    for (std::size_t i = 0; i < reply->elements; ++i) add(to_text(*reply->element[i]));
    at_ += reply->elements;
    done_ = reply->elements < kMembersAtATime;
  }

  void add(std::string_view member) {
    ValinorRow row;
    unsigned worst = member.size() == 2 * row.size() ? 0 : kNoByte;
    for (std::size_t i = 0; i < row.size() && worst < kNoByte; ++i) {
      const unsigned byte = hex_byte(member[2 * i], member[2 * i + 1]);
      worst = std::max(worst, byte);
      row[i] = static_cast<std::byte>(byte);
    }
    if (worst < kNoByte) {
      rows_.push_back(row);
    } else {
      ++foreign_;
    }
  }

  KeyReader reader_;
  std::uint64_t members_;
  std::uint64_t at_ = 0;
  bool done_ = false;
  std::vector<ValinorRow> rows_;
  std::size_t next_ = 0;
  std::uint64_t foreign_ = 0;
};

class ZsetSource final : public RecordSource {
 public:
  ZsetSource(const std::vector<RedisConfig>& shards, std::uint32_t run) {
    for (const RedisConfig& shard : shards) {
      all_ += shards_.emplace_back(shard, run).members();
    }
    if (all_ == 0) refuse_empty(name(), RedisForm::valinor_zset);
  }

  [[nodiscard]] std::string name() const override {
    return describe(shards_.front().reader(), shards_.size());
  }
  [[nodiscard]] double progress() const override {
    return std::min(1.0, static_cast<double>(read_) / static_cast<double>(all_));
  }
  [[nodiscard]] std::string damage() const override {
    std::uint64_t foreign = 0;
    for (const ZsetShard& shard : shards_) foreign += shard.foreign();
    return foreign == 0 ? "" : fmt::format("{} of its members are no records", foreign);
  }

  [[nodiscard]] bool read_some(const Take& take) override {
    for (std::uint64_t taken = 0; taken < kMembersAtATime; ++taken) {
      ZsetShard* first = nullptr;
      for (ZsetShard& shard : shards_) {
        const ValinorRow* row = shard.peek();
        if (row != nullptr && (first == nullptr || *row < *first->peek())) first = &shard;
      }
      if (first == nullptr) return taken != 0;
      const telemetry::PacketRecord record = to_record(to_entry(*first->peek()));
      first->pop();
      ++read_;
      take({record, {}});
    }
    return true;
  }

 private:
  std::deque<ZsetShard> shards_;
  std::uint64_t all_ = 0;
  std::uint64_t read_ = 0;
};

/// The streams of all shards, one after another.
class StreamSource final : public RecordSource {
 public:
  StreamSource(const std::vector<RedisConfig>& shards, std::uint32_t run) {
    for (const RedisConfig& shard : shards) all_ += readers_.emplace_back(shard, run).count("XLEN");
    if (all_ == 0) refuse_empty(name(), RedisForm::stream);
  }

  [[nodiscard]] std::string name() const override {
    return describe(readers_.front(), readers_.size());
  }
  [[nodiscard]] double progress() const override {
    return std::min(1.0, static_cast<double>(read_) / static_cast<double>(all_));
  }
  [[nodiscard]] std::string damage() const override {
    return foreign_ == 0 ? "" : fmt::format("{} of its entries hold no records", foreign_);
  }

  [[nodiscard]] bool read_some(const Take& take) override {
    while (next_ < readers_.size()) {
      KeyReader& reader = readers_[next_];
      const RedisReply reply = reader.ask(
          {"XRANGE", reader.key(), from_, "+", "COUNT", kEntriesAtATime}, REDIS_REPLY_ARRAY);
      if (reply->elements == 0) {
        ++next_;
        from_ = "-";
        continue;
      }
      for (std::size_t i = 0; i < reply->elements; ++i) take_entry(*reply->element[i], take);
      return true;
    }
    return false;
  }

 private:
  /// An id, and its fields: "v", "1", "r", the block.
  void take_entry(const redisReply& entry, const Take& take) {
    ++read_;
    if (entry.type != REDIS_REPLY_ARRAY || entry.elements != 2) return;
    from_ = "(" + std::string{to_text(*entry.element[0])};
    const redisReply& fields = *entry.element[1];
    std::string_view block;
    bool sound = false;
    for (std::size_t i = 0; i + 1 < fields.elements; i += 2) {
      const std::string_view name = to_text(*fields.element[i]);
      const std::string_view value = to_text(*fields.element[i + 1]);
      if (name == "v") sound = value == "1";
      if (name == "r") block = value;
    }
    const auto bytes = std::as_bytes(std::span{block});
    if (!sound || !has_record_header(bytes)) {
      ++foreign_;
      return;
    }
    const auto records = bytes.subspan(sizeof(RecordFileHeader));
    if (for_each_record(records, take) != records.size()) ++foreign_;
  }

  std::deque<KeyReader> readers_;
  std::size_t next_ = 0;
  std::string from_ = "-";  // the next entry's id is this, or behind it
  std::uint64_t all_ = 0;   // entries
  std::uint64_t read_ = 0;  // of them
  std::uint64_t foreign_ = 0;
};

}  // namespace

std::unique_ptr<RecordSource> open_redis_source(const RedisConfig& config, std::uint32_t run) {
  const std::vector<RedisConfig> shards = split_shards(config);
  if (config.format == RedisForm::stream) return std::make_unique<StreamSource>(shards, run);
  return std::make_unique<ZsetSource>(shards, run);
}

}  // namespace valinor::exporter
