#include "exporter/redis_facts.hpp"

#include <algorithm>
#include <charconv>
#include <utility>
#include <vector>

#include "base/failure.hpp"
#include "exporter/redis_format.hpp"

namespace valinor::exporter {
namespace {

/// Keys of a database that are looked at: an answer of some 100 KiB at most, and enough to meet a
/// stranger where there are some.
constexpr const char* kKeysLookedAt = "1000";

/// What stands behind "name:" at the start of a line of INFO.
std::string_view find_field(std::string_view info, std::string_view name) {
  for (std::size_t at = info.find(name); at != std::string_view::npos;
       at = info.find(name, at + 1)) {
    const std::size_t end = at + name.size();
    if ((at != 0 && info[at - 1] != '\n') || end >= info.size() || info[end] != ':') continue;
    const std::string_view value = info.substr(end + 1);
    return value.substr(0, value.find_first_of("\r\n"));
  }
  return {};
}

std::optional<std::uint64_t> find_number(std::string_view info, std::string_view name) {
  const std::string_view text = find_field(info, name);
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (text.empty() || error != std::errc{}) return std::nullopt;
  return number;
}

/// For a terminal: keys may hold any bytes.
std::string to_printable(std::string text) {
  std::ranges::replace_if(
      text, [](char c) { return c < ' ' || c > '~'; }, '?');
  return text;
}

bool is_error(const redisReply& reply) { return reply.type == REDIS_REPLY_ERROR; }

/// One server, asked step by step.
class Inquiry {
 public:
  Inquiry(RedisDialog& dialog, const Until& until, RedisFacts& facts)
      : dialog_{dialog}, until_{until}, facts_{facts} {}

  void ask() {
    const bool is_stream = facts_.wanted_type == "stream";
    const char* const count = is_stream ? "XLEN" : "ZCARD";
    const std::vector<RedisDialog::Command> commands{
        {"INFO"}, {"TYPE", facts_.key}, {count, facts_.key}, {"SCAN", "0", "COUNT", kKeysLookedAt}};
    const std::vector<RedisReply> replies = get(commands);
    if (replies.empty()) return;
    for (std::size_t i = 0; i < replies.size(); ++i) note_refusal(commands[i][0], *replies[i]);
    if (!facts_.away.empty()) return;
    if (!is_error(*replies[0])) read_info(to_text(*replies[0]), facts_);
    if (!is_error(*replies[1])) facts_.key_type = to_text(*replies[1]);
    if (replies[2]->type == REDIS_REPLY_INTEGER) {
      facts_.records = static_cast<std::uint64_t>(replies[2]->integer);
    }
    const bool has_keys = replies[3]->type == REDIS_REPLY_ARRAY && replies[3]->elements == 2;
    if (has_keys && !is_stream) look_for_strangers(*replies[3]->element[1]);
  }

 private:
  /// Empty: the link was lost, which is noted.
  std::vector<RedisReply> get(const std::vector<RedisDialog::Command>& commands) {
    auto replies = dialog_.ask(commands, until_);
    if (replies) return std::move(*replies);
    facts_.away = replies.error().doing + ": " + describe_errno(replies.error().code.value());
    return {};
  }

  void note_refusal(const std::string& command, const redisReply& reply) {
    if (!is_error(reply)) return;
    const std::string_view text = to_text(reply);
    if (text.starts_with("WRONGTYPE")) return;  // TYPE says it better
    if (judge_error(text) == RefusalKind::temporary) facts_.away = text;
    facts_.refused += (facts_.refused.empty() ? "" : ", ") + command;
  }

  void look_for_strangers(const redisReply& keys) {
    std::vector<RedisDialog::Command> commands;
    for (std::size_t i = 0; i < keys.elements; ++i) {
      commands.push_back({"TYPE", std::string{to_text(*keys.element[i])}});
    }
    if (commands.empty()) return;
    const std::vector<RedisReply> types = get(commands);
    for (std::size_t i = 0; i < types.size(); ++i) {
      const std::string_view type = to_text(*types[i]);
      // One that is gone meanwhile is "none".
      if (is_error(*types[i]) || type == "zset" || type == "none") continue;
      if (facts_.strangers++ == 0) {
        facts_.stranger = "'" + to_printable(commands[i][1]) + "' (" + std::string{type} + ")";
      }
    }
  }

  RedisDialog& dialog_;
  const Until& until_;
  RedisFacts& facts_;
};

}  // namespace

void read_info(std::string_view info, RedisFacts& facts) {
  facts.version = find_field(info, "redis_version");
  facts.role = find_field(info, "role");
  if (facts.role == "slave") {
    facts.master = std::string{find_field(info, "master_host")} + ":" +
                   std::string{find_field(info, "master_port")};
  }
  facts.eviction = find_field(info, "maxmemory_policy");
  facts.memory_limit = find_number(info, "maxmemory");
  facts.memory_used = find_number(info, "used_memory");
}

RedisFacts ask_redis(const RedisConfig& shard, std::uint32_t run, const RedisAccess& access,
                     const Until& until) {
  RedisFacts facts;
  facts.key = to_redis_key(shard, run);
  facts.wanted_type = shard.format == RedisForm::stream ? "stream" : "zset";
  facts.server = shard.address.to_url();
  RedisDialog dialog{shard, access, facts.key, "valinor-afxdp:examine"};
  const Result<void> opened = dialog.open(until);
  facts.server = dialog.address().to_url();
  if (!opened) {
    facts.away = opened.error().doing + ": " + describe_errno(opened.error().code.value());
    return facts;
  }
  Inquiry{dialog, until, facts}.ask();
  return facts;
}

}  // namespace valinor::exporter
