#include "exporter/redis_question.hpp"

#include <cerrno>
#include <utility>

#include "exporter/resp.hpp"

namespace valinor::exporter {

RedisQuestion::RedisQuestion(const RedisConfig& config, RedisAccess access,
                             std::vector<std::string> words, Login login)
    : config_{config}, access_{std::move(access)}, login_{login}, logs_in_{login == Login::always} {
  resp::append_command(command_, words);
}

void RedisQuestion::set_servers(std::vector<RedisAddress> servers) {
  servers_ = std::move(servers);
  for (RedisAddress& server : servers_) server.database = 0;
  go_on();
  next_ = in_vain_ = 0;
}

Result<std::optional<RedisQuestion::Answer>> RedisQuestion::advance() {
  while (true) {
    Result<RedisReply> reply = try_server();
    if (reply && !*reply) return std::nullopt;
    const RedisAddress from = servers_[next_];
    if (reply) {
      in_vain_ = 0;
      go_on();
      return Answer{std::move(*reply), from};
    }
    if (reply.error().code == std::errc::permission_denied && !logs_in_) {
      logs_in_ = true;
      connection_.reset();
      continue;
    }
    go_on();
    if (++in_vain_ < servers_.size()) continue;
    in_vain_ = 0;
    Error last = std::move(reply.error());
    last.doing = "ask " + from.to_host_and_port() + ": " + last.doing;
    return tl::unexpected{std::move(last)};
  }
}

/// Null: not yet.
Result<RedisReply> RedisQuestion::try_server() {
  if (!connection_) {
    config_.address = servers_[next_];
    RedisAccess access = access_;
    if (!logs_in_) {
      access.user.clear();
      access.password.reset();
    }
    connection_ =
        std::make_unique<RedisConnection>(config_, std::move(access), "valinor-afxdp:ask");
    asked_ = false;
  }
  if (!asked_) {
    const Result<bool> usable = connection_->advance();
    if (!usable) return tl::unexpected{usable.error()};
    if (!*usable) return nullptr;
    connection_->output().append(command_);
    deadline_ = Clock::now() + config_.command_timeout;
    asked_ = true;
  }
  auto reply = connection_->next_reply();
  if (!reply) return tl::unexpected{std::move(reply.error())};
  if (*reply) return std::move(**reply);
  if (Clock::now() < deadline_) return nullptr;
  return fail_errno(ETIMEDOUT, "no answer");
}

void RedisQuestion::go_on() noexcept {
  connection_.reset();
  logs_in_ = login_ == Login::always;
  if (!servers_.empty()) next_ = (next_ + 1) % servers_.size();
}

}  // namespace valinor::exporter
