#include "exporter/redis_session.hpp"

#include <cerrno>
#include <chrono>
#include <optional>
#include <thread>
#include <utility>

#include "exporter/resp.hpp"

namespace valinor::exporter {
namespace {

/// Between two looks at whether to go on waiting.
constexpr std::chrono::milliseconds kPollStep{20};

}  // namespace

RedisSession::RedisSession(const RedisConfig& config, const RedisAccess& access,
                           std::string_view key, std::string client_name)
    : locator_{make_locator(config, access, key)},
      connection_{config, access, std::move(client_name)},
      address_{config.address} {}

Result<void> RedisSession::open(const Until& until) {
  for (std::optional<RedisTarget> target; !target;) {
    auto found = locator_->advance();
    if (!found) return tl::unexpected{std::move(found.error())};
    target = std::move(*found);
    if (target) {
      address_ = target->address;
      connection_.set_address(address_);
    } else if (until.is_over()) {
      return fail_errno(ETIMEDOUT, "find the server");
    } else {
      std::this_thread::sleep_for(kPollStep);
    }
  }
  while (true) {
    const Result<bool> usable = connection_.advance();
    if (!usable) return tl::unexpected{usable.error()};
    if (*usable) return {};
    if (until.is_over()) return fail_errno(ETIMEDOUT, "connect");
    connection_.wait(kPollStep);
  }
}

Result<std::vector<RedisReply>> RedisSession::ask(std::span<const Command> commands,
                                                  const Until& until) {
  for (const Command& command : commands) {
    resp::append_command(connection_.output(), std::span{command});
  }
  std::vector<RedisReply> replies;
  while (replies.size() < commands.size()) {
    auto reply = connection_.next_reply();
    if (!reply) return tl::unexpected{std::move(reply.error())};
    if (*reply) {
      replies.push_back(std::move(**reply));
    } else if (until.is_over()) {
      return fail_errno(ETIMEDOUT, "no answer to " + commands[replies.size()].front());
    } else {
      connection_.wait(kPollStep);
    }
  }
  return replies;
}

}  // namespace valinor::exporter
