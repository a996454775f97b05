#include "exporter/redis_store.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdlib>

#include "base/failure.hpp"
#include "exporter/resp.hpp"
#include "exporter/valinor_entry.hpp"

namespace valinor::exporter {
namespace {

using std::chrono::milliseconds;

/// "valinor-afxdp:<host>:<run>", in the characters that CLIENT SETNAME takes.
std::string to_client_name(std::string_view key) {
  std::array<char, 65> host{};
  ::gethostname(host.data(), host.size() - 1);
  std::string name = std::string{"valinor-afxdp:"} + host.data() + ":" + std::string{key};
  std::ranges::replace_if(
      name, [](char c) { return c < '!' || c > '~'; }, '_');
  return name;
}

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

}  // namespace

std::string store_name(const RedisConfig& config) {
  if (!config.sentinel.master.empty()) return "redis master '" + config.sentinel.master + "'";
  const std::string url = "redis " + config.address.to_url();
  return config.cluster ? url + " shard " + config.key_suffix.substr(1) : url;
}

RedisStore::RedisStore(const RedisConfig& config, std::uint32_t key, RecordTime record_time)
    : config_{config},
      record_time_{record_time},
      key_{std::to_string(key) + config.key_suffix},
      access_{read_access(config)},
      locator_{make_locator(config, access_, key_)},
      connection_{config, access_, to_client_name(key_)},
      backoff_{config.backoff_initial, config.backoff_max} {}

std::string RedisStore::name() const { return store_name(config_); }

void RedisStore::encode(const telemetry::RecordView& record, std::vector<std::byte>& rows) const {
  const ValinorRow row = to_row(to_entry(record.packet, record.hops, record_time_));
  rows.insert(rows.end(), row.begin(), row.end());
}

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
    zero_replies_ = 0;
  }
  if (!trouble_.empty() && Clock::now() < next_attempt_) return false;
  if (!knows_zero()) return false;
  if (!unanswered_.empty()) return true;
  const Result<void> alive = connection_.check_idle();
  if (!alive) lose_link(alive.error());
  return alive.has_value();
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

/// Works towards knowing from where the set's scores count.
bool RedisStore::knows_zero() {
  if (config_.score == Score::epoch || zero_settled_) return true;
  if (zero_replies_ == 0) {
    if (asking_) resp::append_command(connection_.output(), {"ASKING"});
    resp::append_command(connection_.output(), {"ZRANGE", key_, "0", "0", "WITHSCORES"});
    zero_replies_ = asking_ ? 2 : 1;
    last_sign_ = Clock::now();
  }
  auto reply = connection_.next_reply();
  if (reply && !*reply && Clock::now() >= last_sign_ + config_.command_timeout) {
    connection_.close();
    reply = fail(std::errc::timed_out, "no answer to ZRANGE");
  }
  if (!reply) {
    lose_link(reply.error());
  } else if (*reply && --zero_replies_ == 0) {
    judge_first_entry(***reply);
  }
  return zero_settled_;
}

void RedisStore::judge_first_entry(const redisReply& reply) {
  if (reply.type != REDIS_REPLY_ARRAY) {
    const std::string refusal{to_text(reply)};
    if (judge_refusal(refusal).kind == Outcome::Kind::rejected) {
      wait_for_next_attempt();
      trouble_ = "refuses ZRANGE: " + refusal;
    }
    return;
  }
  if (reply.elements == 2) {
    zero_ = zero_of(to_text(*reply.element[0]), std::string{to_text(*reply.element[1])});
  }
  zero_settled_ = true;
  trouble_.clear();
  backoff_.reset();
}

void RedisStore::hurry() {
  next_attempt_ = Clock::now();
  backoff_.reset();
}

void RedisStore::submit(const Batch& batch) {
  if (unanswered_.empty()) last_sign_ = Clock::now();
  unanswered_.push_back({batch.records, batch.maybe_stored, asking_});
  // Where earlier bytes still wait, the socket is full: poll() sends when it has room.
  const bool socket_has_room = connection_.output().empty();
  if (asking_) resp::append_command(connection_.output(), {"ASKING"});
  const bool counts_on = config_.score == Score::run_relative;
  if (counts_on && !zero_) zero_ = timestamp_of(batch.rows.data());
  resp::append_zadd(connection_.output(), key_, batch.rows, counts_on ? *zero_ : 0);
  if (!socket_has_room) return;
  if (const Result<void> flushed = connection_.flush(); !flushed) lose_link(flushed.error());
}

std::optional<Outcome> RedisStore::poll(milliseconds patience) {
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
      lose_link(Error{std::make_error_code(std::errc::timed_out), "no answer to ZADD"});
      return report_lost_link();
    }
    if (now >= deadline) break;
    connection_.wait(std::chrono::ceil<milliseconds>(std::min(deadline, silence_ends) - now));
  }
  return std::nullopt;
}

std::optional<Outcome> RedisStore::report_lost_link() {
  unanswered_.clear();
  return Outcome{.kind = Outcome::Kind::lost_link, .reason = trouble_};
}

Outcome RedisStore::judge(const redisReply& reply) {
  const Unanswered batch = unanswered_.front();
  const bool counts = reply.type == REDIS_REPLY_INTEGER && reply.integer >= 0 &&
                      static_cast<std::uint64_t>(reply.integer) <= batch.records;
  if (!counts && reply.type != REDIS_REPLY_ERROR) {
    // Answers and commands no longer belong together; from here on nothing can be believed.
    connection_.close();
    lose_link(Error{std::make_error_code(std::errc::protocol_error), "odd answer to ZADD"});
    return *report_lost_link();
  }
  unanswered_.pop_front();
  last_sign_ = Clock::now();
  if (!counts) return judge_refusal(std::string{to_text(reply)});
  trouble_.clear();
  backoff_.reset();
  was_redirected_ = false;
  return count_added(batch, static_cast<std::uint64_t>(reply.integer));
}

Outcome RedisStore::count_added(const Unanswered& batch, std::uint64_t added) {
  if (batch.maybe_stored && added == 0) return Outcome{.unsure = batch.records, .reason = {}};
  return Outcome{.collapsed = batch.records - added, .reason = {}};
}

Outcome RedisStore::judge_refusal(std::string reason) {
  if (judge_error(reason) == RefusalKind::about_the_command) {
    return Outcome{.kind = Outcome::Kind::rejected, .reason = std::move(reason)};
  }
  if (locator_->redirects(reason)) {
    connection_.close();
    if (was_redirected_) wait_for_next_attempt();
    was_redirected_ = true;
    trouble_ = "sends us elsewhere: " + reason;
    return *report_lost_link();
  }
  wait_for_next_attempt();
  trouble_ = "refuses: " + reason;
  return Outcome{.kind = Outcome::Kind::refused, .reason = std::move(reason)};
}

/// Several batches in flight are refused for the same cause: one step of the back-off for all.
void RedisStore::wait_for_next_attempt() {
  const Clock::time_point now = Clock::now();
  if (now >= next_attempt_) next_attempt_ = now + backoff_.next();
}

void RedisStore::lose_link(const Error& error) {
  next_attempt_ = Clock::now() + backoff_.next();
  locator_->forget();
  if (error.code == std::errc::permission_denied) {
    trouble_ = "refuses us: " + error.doing;
    return;
  }
  trouble_ = (was_connected_ ? "lost: " : "cannot be reached: ") + errno_name(error.code.value()) +
             " (" + error.doing + ")";
}

}  // namespace valinor::exporter
