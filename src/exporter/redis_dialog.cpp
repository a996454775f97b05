#include "exporter/redis_dialog.hpp"

#include <cerrno>
#include <thread>
#include <utility>

#include "exporter/resp.hpp"

namespace valinor::exporter {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kStep{5};

/// A cluster that moves slots, or sentinels that change their mind, may send us on so often.
constexpr int kMostMoves = 5;

}  // namespace

RedisDialog::RedisDialog(const RedisConfig& config, const std::string& key)
    : config_{config},
      access_{read_access(config)},
      locator_{make_locator(config, access_, key)},
      connection_{config, access_, "valinor-afxdp:export"} {}

Result<void> RedisDialog::connect() {
  const auto deadline = Clock::now() + 2 * (config_.connect_timeout + config_.command_timeout);
  while (!connection_.usable()) {
    if (connection_.closed()) {
      auto target = locator_->advance();
      if (!target) return tl::unexpected{std::move(target.error())};
      if (*target) {
        connection_.set_address((*target)->address);
        asking_ = (*target)->asking;
      } else if (Clock::now() > deadline) {
        return fail_errno(ETIMEDOUT, "ask for the server");
      } else {
        std::this_thread::sleep_for(kStep);
        continue;
      }
    }
    const Result<bool> usable = connection_.advance();
    if (!usable) return tl::unexpected{usable.error()};
    if (!*usable) connection_.wait(kStep);
  }
  return {};
}

Result<RedisReply> RedisDialog::ask(std::initializer_list<std::string_view> words) {
  for (int moves = 0;; ++moves) {
    if (auto connected = connect(); !connected) return tl::unexpected{connected.error()};
    const auto deadline = Clock::now() + config_.command_timeout;
    if (asking_) resp::append_command(connection_.output(), {"ASKING"});
    resp::append_command(connection_.output(), words);
    if (asking_) {
      if (auto passed = answer(deadline); !passed) return passed;
    }
    auto reply = answer(deadline);
    if (!reply || (*reply)->type != REDIS_REPLY_ERROR || moves == kMostMoves) return reply;
    if (!locator_->redirects(to_text(**reply))) return reply;
    connection_.close();
  }
}

Result<RedisReply> RedisDialog::ask_in_pieces(const std::function<bool(std::string&)>& more,
                                              milliseconds patience) {
  if (auto connected = connect(); !connected) return tl::unexpected{connected.error()};
  if (asking_) {
    if (auto passed = ask({"ASKING"}); !passed) return passed;
  }
  for (bool go_on = true; go_on;) {
    go_on = more(connection_.output());
    auto sent = send_all(Clock::now() + patience);
    if (!sent) return tl::unexpected{sent.error()};
  }
  return answer(Clock::now() + patience);
}

Result<void> RedisDialog::send_all(Clock::time_point deadline) {
  for (;;) {
    if (auto flushed = connection_.flush(); !flushed) return flushed;
    if (connection_.output().empty()) return {};
    if (Clock::now() > deadline) return fail_errno(ETIMEDOUT, "send");
    if (auto alive = connection_.check_idle(); !alive) return alive;  // it has hung up on us
    connection_.wait(milliseconds{1000});
  }
}

Result<RedisReply> RedisDialog::answer(Clock::time_point deadline) {
  for (;;) {
    auto reply = connection_.next_reply();
    if (!reply) {
      locator_->forget();
      return tl::unexpected{std::move(reply.error())};
    }
    if (*reply) return std::move(**reply);
    const auto now = Clock::now();
    if (now > deadline) {
      connection_.close();
      locator_->forget();
      return fail_errno(ETIMEDOUT, "no answer");
    }
    connection_.wait(std::chrono::ceil<milliseconds>(deadline - now));
  }
}

}  // namespace valinor::exporter
