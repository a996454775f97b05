#include "app/run_catalogue.hpp"

#include <fcntl.h>
#include <fmt/chrono.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <ctime>
#include <span>
#include <utility>

#include "app/redis_admission.hpp"
#include "base/file_io.hpp"
#include "base/thread.hpp"

namespace valinor::app {
namespace {

using std::chrono::steady_clock;

/// Between attempts to reach a server that is away.
constexpr std::chrono::seconds kServerRetry{1};

/// For one attempt.
constexpr std::chrono::seconds kAttempt{3};

/// For the last form of the entry, at the end of a run.
constexpr std::chrono::seconds kEndPatience{2};

/// "valinor:run:0:20240131T235959Z:lab1:4711": no two runs have the same.
std::string entry_name(std::uint32_t key) {
  std::array<char, 65> host{};
  ::gethostname(host.data(), host.size() - 1);
  return fmt::format("valinor:run:{}:{:%Y%m%dT%H%M%SZ}:{}:{}", key, fmt::gmtime(std::time(nullptr)),
                     host.data(), ::getpid());
}

/// Whether the server has a database for the catalogue; a cluster has but one, the records'.
bool has_place(const exporter::RedisConfig& redis) {
  return redis.enabled && !redis.cluster && redis.metadata_db != 0;
}

/// Text as it is, all else as JSON.
std::string to_field(const Json& value) {
  return value.is_string() ? value.get<std::string>()
                           : value.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Finding not_written(const std::string& where, const std::string& why) {
  return {.code = "RUN-CATALOG-01",
          .what = "this run is not, or not to its end, in the catalogue of runs",
          .why = where + ": " + why,
          .next = "records are not affected    export.redis.metadata_db: none, to do without"};
}

void warn_user(const std::string& where, const std::string& why) {
  fmt::print(stderr, "{}", not_written(where, why).to_text("warning"));
}

}  // namespace

RunCatalogue::RunCatalogue(const Config& config, exporter::RedisAccess access,
                           const Setting& setting)
    : config_{config.exporter},
      load_{expected_load(config)},
      access_{std::move(access)},
      examine_later_{setting.examine_later} {
  if (has_place(config_.redis)) name_ = entry_name(config_.key);
  if (setting.record_file.empty()) return;
  path_ = setting.record_file + ".json";
  constexpr mode_t kMode = 0644;
  file_ = UniqueFd{::open(path_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, kMode)};
  if (file_) return;
  warnings_.push_back(not_written(path_, describe_errno(errno)));
  path_.clear();
}

std::string RunCatalogue::describe() const {
  std::string text;
  if (!name_.empty()) text = fmt::format("{} in database {}", name_, config_.redis.metadata_db);
  if (!path_.empty()) text += (text.empty() ? "" : " and ") + path_;
  return text;
}

void RunCatalogue::begin(const Json& entry) {
  if (name_.empty() && path_.empty() && !examine_later_) return;
  give(entry);
  thread_ = std::jthread{[this](const std::stop_token& stop) { work(stop); }};
}

void RunCatalogue::end(const Json& entry) {
  if (!thread_.joinable()) return;
  give(entry);
  std::unique_lock lock{mutex_};
  wake_.wait_until(lock, steady_clock::now() + kEndPatience, [this] { return tried_ == given_; });
  const bool written = written_ == given_;
  lock.unlock();
  thread_.request_stop();
  thread_.join();
  if (!written && !name_.empty()) warn_user(config_.redis.describe(), "the server is away");
}

void RunCatalogue::give(const Json& entry) {
  const std::lock_guard lock{mutex_};
  entry_ = entry;
  ++given_;
  wake_.notify_all();
}

void RunCatalogue::work(const std::stop_token& stop) {
  name_this_thread("catalogue");
  std::unique_lock lock{mutex_};
  const auto has_news = [this] { return written_ != given_; };
  while (wake_.wait(lock, stop, has_news) && !stop.stop_requested()) {
    const std::uint64_t number = given_;
    const Json entry = entry_;
    lock.unlock();
    const bool done = write(entry, stop);
    lock.lock();
    tried_ = number;
    if (done) written_ = number;
    wake_.notify_all();
    if (!done) wake_.wait_for(lock, stop, kServerRetry, [&] { return given_ != number; });
  }
}

/// Whether there is nothing left to do for this entry.
bool RunCatalogue::write(const Json& entry, const std::stop_token& stop) {
  const exporter::Until until{steady_clock::now() + kAttempt, stop};
  if (file_) write_file(entry);
  if (examine_later_ && !look_at_redis(until)) return false;
  examine_later_ = false;
  return name_.empty() || redis_refuses_ || write_redis(entry, until);
}

/// The last form has all that the first has, and more: it is never shorter.
void RunCatalogue::write_file(const Json& entry) {
  const std::string text = entry.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
  const int error = write_at(file_.get(), std::as_bytes(std::span{text}), 0);
  if (error == 0) return;
  warn_user(path_, describe_errno(error));
  file_.reset();
}

/// False: the server is away. The exporter says so.
bool RunCatalogue::write_redis(const Json& entry, const exporter::Until& until) {
  exporter::RedisConfig server = config_.redis;
  server.address.database = server.metadata_db;
  exporter::RedisDialog dialog{server, access_, name_, "valinor-afxdp:catalogue"};
  if (!dialog.open(until)) return false;
  std::vector<exporter::RedisDialog::Command> command{{"HSET", name_}};
  for (const auto& [member, value] : entry.items()) {
    command.front().push_back(member);
    command.front().push_back(to_field(value));
  }
  const auto replies = dialog.ask(command, until);
  if (!replies) return false;
  const redisReply& reply = *replies->front();
  if (reply.type != REDIS_REPLY_ERROR) return true;
  const std::string refusal{exporter::to_text(reply)};
  if (exporter::judge_error(refusal) == exporter::RefusalKind::temporary) return false;
  redis_refuses_ = true;
  warn_user(dialog.address().to_url(), refusal);
  return true;
}

bool RunCatalogue::look_at_redis(const exporter::Until& until) {
  const exporter::Examination seen =
      exporter::examine(config_, access_, load_, exporter::Moment::under_way, until);
  if (!seen.away.empty()) return false;
  for (const std::string& line : seen.lines) fmt::print(stderr, "  redis      {}\n", line);
  for (const auto* list : {&seen.errors, &seen.warnings}) {
    for (const Finding& one : *list) fmt::print(stderr, "{}", one.to_text("warning"));
  }
  return true;
}

}  // namespace valinor::app
