#include "exporter/redis_store.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>

#include "base/failure.hpp"
#include "exporter/resp.hpp"

namespace valinor::exporter {
namespace {

using std::chrono::microseconds;

/// "valinor-afxdp:<host>:<run>", in the characters that CLIENT SETNAME takes.
std::string to_client_name(std::string_view key) {
  std::array<char, 65> host{};
  ::gethostname(host.data(), host.size() - 1);
  std::string name = std::string{"valinor-afxdp:"} + host.data() + ":" + std::string{key};
  std::ranges::replace_if(
      name, [](char c) { return c < '!' || c > '~'; }, '_');
  return name;
}

}  // namespace

std::string store_name(const RedisConfig& config) {
  const std::string kind = config.format == RedisForm::stream ? "redis stream " : "redis ";
  if (!config.sentinel.master.empty()) return kind + "master '" + config.sentinel.master + "'";
  const std::string url = kind + config.address.to_url();
  return config.cluster ? url + " shard " + config.key_suffix.substr(1) : url;
}

RedisStore::RedisStore(const RedisConfig& config, std::uint32_t key, RecordTime record_time)
    : config_{config},
      format_{make_redis_format(config, key, record_time)},
      access_{read_access(config)},
      locator_{make_locator(config, access_, format_->key())},
      connection_{config, access_, to_client_name(format_->key())},
      backoff_{config.backoff_initial, config.backoff_max} {}

std::string RedisStore::name() const { return store_name(config_); }

std::size_t RedisStore::max_in_flight() const {
  // In trouble one batch at a time asks whether it is over.
  return trouble_.empty() ? std::max<std::size_t>(config_.in_flight, 1) : 1;
}

bool RedisStore::ready() {
  if (!connection_.usable()) {
    if (!unanswered_.empty()) return false;  // poll() has a lost link to report first
    if (Clock::now() < next_attempt_) return false;
    const Result<bool> usable = connect();
    if (!usable) lose_link(usable.error());
    if (!usable || !*usable) return false;
    was_connected_ = true;
    trouble_.clear();
  }
  if (!trouble_.empty() && Clock::now() < next_attempt_) return false;
  if (!format_->is_prepared() && !prepare()) return false;
  if (!unanswered_.empty()) return true;
  const Result<void> alive = connection_.check_idle();
  if (!alive) lose_link(alive.error());
  return alive.has_value();
}

bool RedisStore::prepare() {
  if (!unanswered_.empty()) return false;  // their answers come first
  const Result<bool> done = ask_format();
  if (!done) lose_link(done.error());
  return done && *done;
}

Result<bool> RedisStore::ask_format() {
  if (question_ == Question::none) {
    if (asking_) resp::append_command(connection_.output(), {"ASKING"});
    format_->append_question(connection_.output());
    question_ = asking_ ? Question::asking : Question::asked;
    last_sign_ = Clock::now();
  }
  for (;;) {
    auto reply = connection_.next_reply();
    if (!reply) return tl::unexpected{std::move(reply.error())};
    if (!*reply) break;
    if (question_ == Question::asking) {
      question_ = Question::asked;
      continue;
    }
    question_ = Question::none;
    if (format_->learn(***reply)) {
      trouble_.clear();
      backoff_.reset();
      return format_->is_prepared();
    }
    (void)is_still_in_charge(std::string{to_text(***reply)});
    return false;
  }
  if (Clock::now() < last_sign_ + config_.command_timeout) return false;
  connection_.close();
  return fail(std::errc::timed_out, "no answer about the key");
}

Result<bool> RedisStore::connect() {
  if (connection_.closed()) {
    auto target = locator_->advance();
    if (!target) return tl::unexpected{std::move(target.error())};
    if (!*target) return false;
    connection_.set_address((*target)->address);
    asking_ = (*target)->asking;
  }
  return connection_.advance();
}

void RedisStore::hurry() {
  next_attempt_ = Clock::now();
  backoff_.reset();
}

void RedisStore::submit(const Batch& batch) {
  if (unanswered_.empty()) last_sign_ = Clock::now();
  // Where earlier bytes still wait, the socket is full: poll() sends when it has room.
  const bool socket_has_room = connection_.output().empty();
  if (asking_) resp::append_command(connection_.output(), {"ASKING"});
  unanswered_.push_back({format_->append(batch, connection_.output()), asking_});
  if (!socket_has_room) return;
  if (const Result<void> flushed = connection_.flush(); !flushed) lose_link(flushed.error());
}

std::optional<Outcome> RedisStore::poll(microseconds patience) {
  const Clock::time_point deadline = Clock::now() + patience;
  while (!unanswered_.empty()) {
    if (!connection_.usable()) return report_lost_link();
    auto reply = connection_.next_reply();
    if (!reply) {
      lose_link(reply.error());
      return report_lost_link();
    }
    if (*reply && unanswered_.front().asking) {
      unanswered_.front().asking = false;
      continue;
    }
    if (*reply) return judge(***reply);
    // Only after reading: an answer that waited in the socket while we did not run is an answer.
    const Clock::time_point now = Clock::now();
    const Clock::time_point silence_ends = last_sign_ + config_.command_timeout;
    if (now >= silence_ends) {
      connection_.close();
      lose_link(Error{std::make_error_code(std::errc::timed_out),
                      "no answer to " + std::string{format_->command()}});
      return report_lost_link();
    }
    if (now >= deadline) break;
    connection_.wait(std::chrono::ceil<microseconds>(std::min(deadline, silence_ends) - now));
  }
  return std::nullopt;
}

std::optional<Outcome> RedisStore::report_lost_link() {
  unanswered_.clear();
  return Outcome{.kind = Outcome::Kind::lost_link, .reason = trouble_};
}

Outcome RedisStore::judge(const redisReply& reply) {
  const std::optional<Outcome> outcome = format_->judge(reply, unanswered_.front().batch);
  if (!outcome && reply.type != REDIS_REPLY_ERROR) {
    // Answers and commands no longer belong together; from here on nothing can be believed.
    connection_.close();
    lose_link(Error{std::make_error_code(std::errc::protocol_error),
                    "odd answer to " + std::string{format_->command()}});
    return *report_lost_link();
  }
  unanswered_.pop_front();
  last_sign_ = Clock::now();
  if (!outcome) return judge_refusal(std::string{to_text(reply)});
  if (outcome->kind == Outcome::Kind::stored) {
    trouble_.clear();
    backoff_.reset();
    was_redirected_ = false;
  }
  return *outcome;
}

Outcome RedisStore::judge_refusal(std::string reason) {
  if (judge_error(reason) == RefusalKind::about_the_command) {
    return Outcome{.kind = Outcome::Kind::rejected, .reason = std::move(reason)};
  }
  if (!is_still_in_charge(reason)) return *report_lost_link();
  return Outcome{.kind = Outcome::Kind::refused, .reason = std::move(reason)};
}

/// After a refusal: whether it is this server that has to be asked again, later.
bool RedisStore::is_still_in_charge(const std::string& refusal) {
  if (!locator_->redirects(refusal)) {
    wait_for_next_attempt();
    trouble_ = "refuses: " + refusal;
    return true;
  }
  connection_.close();
  forget_link();
  if (was_redirected_) wait_for_next_attempt();
  was_redirected_ = true;
  trouble_ = "sends us elsewhere: " + refusal;
  return false;
}

/// Several batches in flight are refused for the same cause: one step of the back-off for all.
void RedisStore::wait_for_next_attempt() {
  const Clock::time_point now = Clock::now();
  if (now >= next_attempt_) next_attempt_ = now + backoff_.next();
}

void RedisStore::lose_link(const Error& error) {
  next_attempt_ = Clock::now() + backoff_.next();
  locator_->forget();
  forget_link();
  if (error.code == std::errc::permission_denied) {
    trouble_ = "refuses us: " + error.doing;
    return;
  }
  trouble_ = (was_connected_ ? "lost: " : "cannot be reached: ") + errno_name(error.code.value()) +
             " (" + error.doing + ")";
}

void RedisStore::forget_link() {
  format_->forget();
  question_ = Question::none;
}

}  // namespace valinor::exporter
