#include "exporter/redis_dialog.hpp"

#include <algorithm>
#include <thread>
#include <utility>

#include "exporter/resp.hpp"

namespace valinor::exporter {
namespace {

using std::chrono::milliseconds;

/// Between two looks at whether to go on waiting.
constexpr milliseconds kPollStep{10};

/// A cluster that moves slots, or sentinels that change their mind, may send us on so often.
constexpr int kMostMoves = 5;

Error timed_out(std::string doing) {
  return {std::make_error_code(std::errc::timed_out), std::move(doing)};
}

}  // namespace

RedisDialog::RedisDialog(const RedisConfig& config, const RedisAccess& access, std::string_view key,
                         std::string client_name)
    : config_{config},
      locator_{make_locator(config, access, key)},
      connection_{config, access, std::move(client_name)},
      address_{config.address} {}

Result<void> RedisDialog::open(const Until& until) {
  while (!connection_.usable()) {
    if (connection_.closed()) {
      if (auto found = find_server(until); !found) return found;
    }
    const Result<bool> usable = connection_.advance();
    if (!usable) return give_up(usable.error());
    if (*usable) break;
    if (until.is_over()) return give_up(timed_out("connect"));
    connection_.wait(kPollStep);
  }
  return {};
}

Result<void> RedisDialog::find_server(const Until& until) {
  for (;;) {
    auto target = locator_->advance();
    if (!target) return tl::unexpected{std::move(target.error())};
    if (*target) {
      address_ = (*target)->address;
      asking_ = (*target)->asking;
      connection_.set_address(address_);
      return {};
    }
    if (until.is_over()) return give_up(timed_out("find the server"));
    std::this_thread::sleep_for(kPollStep);
  }
}

Result<std::vector<RedisReply>> RedisDialog::ask(std::span<const Command> commands,
                                                 const Until& until) {
  for (int moves = 0;; ++moves) {
    if (auto opened = open(until); !opened) return tl::unexpected{std::move(opened.error())};
    auto replies = exchange(commands, until);
    if (!replies || moves == kMostMoves || !sends_us_elsewhere(*replies)) return replies;
    connection_.close();
  }
}

Result<RedisReply> RedisDialog::ask(std::initializer_list<std::string_view> words) {
  if (auto opened = open(to_connect()); !opened) return tl::unexpected{std::move(opened.error())};
  const std::vector<Command> command{Command(words.begin(), words.end())};
  auto replies = ask(command, {.deadline = Clock::now() + config_.command_timeout});
  if (!replies) return tl::unexpected{std::move(replies.error())};
  return std::move(replies->front());
}

Result<RedisReply> RedisDialog::ask_in_pieces(const std::function<bool(std::string&)>& more,
                                              milliseconds patience) {
  if (auto opened = open(to_connect()); !opened) return tl::unexpected{std::move(opened.error())};
  if (asking_) {
    if (auto passed = ask({"ASKING"}); !passed) return passed;
  }
  for (bool go_on = true; go_on;) {
    go_on = more(connection_.output());
    if (auto sent = send_all({.deadline = Clock::now() + patience}); !sent) {
      return tl::unexpected{std::move(sent.error())};
    }
  }
  return answer("what was sent", {.deadline = Clock::now() + patience});
}

Result<std::vector<RedisReply>> RedisDialog::exchange(std::span<const Command> commands,
                                                      const Until& until) {
  for (const Command& command : commands) {
    if (asking_) resp::append_command(connection_.output(), {"ASKING"});
    resp::append_command(connection_.output(), std::span{command});
  }
  std::vector<RedisReply> replies;
  for (const Command& command : commands) {
    for (int to_skip = asking_ ? 1 : 0; to_skip >= 0; --to_skip) {
      auto reply = answer(command.front(), until);
      if (!reply) return tl::unexpected{std::move(reply.error())};
      if (to_skip == 0) replies.push_back(std::move(*reply));
    }
  }
  return replies;
}

Result<void> RedisDialog::send_all(const Until& until) {
  for (;;) {
    if (auto flushed = connection_.flush(); !flushed) return give_up(flushed.error());
    if (connection_.output().empty()) return {};
    if (until.is_over()) return give_up(timed_out("send"));
    // It may have hung up on us.
    if (auto alive = connection_.check_idle(); !alive) return give_up(alive.error());
    connection_.wait(kPollStep);
  }
}

Result<RedisReply> RedisDialog::answer(std::string_view command, const Until& until) {
  for (;;) {
    auto reply = connection_.next_reply();
    if (!reply) return give_up(std::move(reply.error()));
    if (*reply) return std::move(**reply);
    if (until.is_over()) {
      return give_up(timed_out("no answer to " + std::string{command}));
    }
    connection_.wait(kPollStep);
  }
}

/// A server has to be found, connected to, and to greet us; with sentinels or a cluster also those
/// that are asked for it.
Until RedisDialog::to_connect() const {
  return {.deadline = Clock::now() + 2 * (config_.connect_timeout + config_.command_timeout)};
}

bool RedisDialog::sends_us_elsewhere(std::span<const RedisReply> replies) {
  return std::ranges::any_of(replies, [this](const RedisReply& reply) {
    return reply->type == REDIS_REPLY_ERROR && locator_->redirects(to_text(*reply));
  });
}

tl::unexpected<Error> RedisDialog::give_up(Error error) {
  connection_.close();
  locator_->forget();
  return tl::unexpected{std::move(error)};
}

}  // namespace valinor::exporter
