#include "app/doctor_redis.hpp"

#include <charconv>
#include <optional>
#include <string_view>
#include <thread>
#include <vector>

#include "base/failure.hpp"
#include "exporter/redis_connection.hpp"
#include "exporter/redis_locator.hpp"
#include "exporter/resp.hpp"
#include "exporter/shards.hpp"

namespace valinor::app {
namespace {

using Clock = std::chrono::steady_clock;
using exporter::RedisConnection;
using exporter::RedisReply;

constexpr std::chrono::milliseconds kStep{20};

std::string describe(const Error& error) {
  return error.doing + ": " + describe_errno(error.code.value());
}

/// Why there is no usable connection; empty: there is one.
std::string connect(RedisConnection& connection, const exporter::RedisConfig& config,
                    exporter::RedisLocator& locator) {
  const auto deadline = Clock::now() + 2 * (config.connect_timeout + config.command_timeout);
  for (std::optional<exporter::RedisTarget> target; !target;) {
    auto found = locator.advance();
    if (!found) return describe(found.error());
    target = std::move(*found);
    if (target) connection.set_address(target->address);
    if (!target && Clock::now() > deadline) return "no answer";
    if (!target) std::this_thread::sleep_for(kStep);
  }
  for (;;) {
    const Result<bool> usable = connection.advance();
    if (!usable) return describe(usable.error());
    if (*usable) return {};
    if (Clock::now() > deadline) return "no answer";
    connection.wait(kStep);
  }
}

/// The reply to the command sent last; nothing: none came in time.
RedisReply answer(RedisConnection& connection, const exporter::RedisConfig& config) {
  const auto deadline = Clock::now() + config.command_timeout;
  while (Clock::now() < deadline) {
    auto reply = connection.next_reply();
    if (!reply) return nullptr;
    if (*reply) return std::move(**reply);
    connection.wait(kStep);
  }
  return nullptr;
}

/// The value of CONFIG GET; empty where it is not ours to know.
std::string ask_config(RedisConnection& connection, const exporter::RedisConfig& config,
                       std::string_view name) {
  exporter::resp::append_command(connection.output(), {"CONFIG", "GET", name});
  const RedisReply reply = answer(connection, config);
  if (!reply || reply->type != REDIS_REPLY_ARRAY || reply->elements != 2) return {};
  return std::string{exporter::to_text(*reply->element[1])};
}

/// The value behind "\nname:" of INFO.
std::string field_of(std::string_view info, std::string_view name) {
  const std::string wanted = "\n" + std::string{name} + ":";
  const std::size_t at = info.find(wanted);
  if (at == std::string_view::npos) return {};
  const std::string_view value = info.substr(at + wanted.size());
  return std::string{value.substr(0, value.find('\r'))};
}

std::uint64_t to_number(const std::string& text) {
  std::uint64_t number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

}  // namespace

doctor::RedisFacts ask_redis(const exporter::RedisConfig& config) {
  doctor::RedisFacts facts;
  const std::vector<exporter::RedisConfig> shards = exporter::split_shards(config);
  facts.url = config.describe();
  const exporter::RedisAccess access = exporter::read_access(config);
  const auto locator = exporter::make_locator(config, access, "0" + shards.front().key_suffix);
  RedisConnection connection{config, access, "valinor-afxdp:doctor"};
  facts.trouble = connect(connection, config, *locator);
  if (!facts.trouble.empty()) return facts;
  facts.eviction = ask_config(connection, config, "maxmemory-policy");
  facts.memory_limit = to_number(ask_config(connection, config, "maxmemory"));
  exporter::resp::append_command(connection.output(), {"INFO"});
  if (const RedisReply reply = answer(connection, config)) {
    const std::string_view info = exporter::to_text(*reply);
    facts.version = field_of(info, "redis_version");
    facts.memory_used = to_number(field_of(info, "used_memory"));
  }
  return facts;
}

}  // namespace valinor::app
