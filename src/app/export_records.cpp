#include "app/export_records.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <limits>
#include <memory>

#include "app/export_pcap.hpp"
#include "app/export_redis.hpp"
#include "app/progress_bar.hpp"
#include "base/numbers.hpp"
#include "exporter/record_source.hpp"
#include "exporter/record_target.hpp"

namespace valinor::app {
namespace {

using exporter::ExporterConfig;
using exporter::RecordSource;
using exporter::RecordTarget;
using exporter::TargetBooks;
using Kind = ExportEnd::Kind;

/// What the end says in place of the configuration.
ExporterConfig config_of(const ExportEnd& end, ExporterConfig config) {
  config.redis.enabled = true;
  config.redis.format =
      end.kind == Kind::stream ? exporter::RedisForm::stream : exporter::RedisForm::valinor_zset;
  if (end.server) {
    config.redis.address = *end.server;
    config.redis.endpoints.clear();
    config.redis.sentinel = {};
    config.redis.cluster = false;
    config.redis.stream_database = 0;
  }
  return config;
}

std::unique_ptr<RecordSource> open_source(const ExportEnd& from, const ExporterConfig& config) {
  if (!from.is_redis()) return exporter::open_file_source(from.path);
  return exporter::open_redis_source(config_of(from, config).redis, config.key);
}

std::unique_ptr<RecordTarget> open_target(const ExportCommand& command,
                                          const ExporterConfig& config, Signals& signals) {
  using exporter::FileForm;
  const ExportEnd& to = command.to;
  const auto file = [&](FileForm form) {
    return exporter::open_file_target(to.path, form, command.overwrite, config.key,
                                      config.record_time);
  };
  switch (to.kind) {
    case Kind::npy: return file(FileForm::npy);
    case Kind::records: return file(FileForm::records);
    case Kind::csv: return file(FileForm::csv);
    case Kind::pcap: return open_pcap_target(to.path, command.overwrite, config.record_time);
    case Kind::zset:
    case Kind::stream:
    case Kind::any_file: break;
  }
  return open_redis_target(config_of(to, config), command.overwrite, signals);
}

/// A source and a target that are one would feed on itself, or be overwritten before it is read.
void require_two_places(const ExportCommand& command, const ExporterConfig& config) {
  if (command.from.kind != command.to.kind || !command.from.is_redis()) return;
  const auto from = config_of(command.from, config).redis.address;
  const auto to = config_of(command.to, config).redis.address;
  if (from != to) return;
  throw Failure{ExitStatus::usage,
                {"EXPORT-SAME-01", "--from and --to are the same key of " + from.to_url(),
                 "both are the run's sorted set, or both its stream",
                 "another server or database for one of them:  --to zset@redis://HOST:PORT/DB"}};
}

/// The records of a source, and which of them are wanted.
struct Reading {
  std::optional<TimeWindow> window;
  std::uint64_t read = 0;
  std::uint64_t outside = 0;                                      // of the window
  std::int64_t first = std::numeric_limits<std::int64_t>::max();  // time of all that was read, ns
  std::int64_t last = std::numeric_limits<std::int64_t>::min();

  [[nodiscard]] bool wants(const telemetry::RecordView& record) {
    ++read;
    if (!window) return true;
    const std::int64_t time = time_of(record.packet);
    first = std::min(first, time);
    last = std::max(last, time);
    if (window->has(time)) return true;
    ++outside;
    return false;
  }

  [[nodiscard]] bool balances(const TargetBooks& books) const noexcept {
    return read == books.written + books.collapsed + books.lost + outside;
  }
};

/// A window that is on another clock than the records, or in other units, is met before anything is
/// written.
void require_some(const Reading& reading, const std::string& source) {
  if (reading.read == 0 || reading.outside != reading.read) return;
  throw Failure{
      ExitStatus::host_not_ready,
      {"EXPORT-TIME-01", "no record of " + source + " is within --time",
       fmt::format("the times of its {} records are from {}ns to {}ns", with_commas(reading.read),
                   reading.first, reading.last),
       fmt::format("--time {}ns..    docs/export.md says whose time counts", reading.first)}};
}

void print_result(const RecordSource& source, const RecordTarget& target, const Reading& reading,
                  const TargetBooks& books, double seconds) {
  fmt::print("exported {} to {} in {:.2f} s\n", source.name(), target.name(), seconds);
  fmt::print("records  {} read = {} written + {} collapsed + {} lost{}   {}\n",
             with_commas(reading.read), with_commas(books.written), with_commas(books.collapsed),
             with_commas(books.lost),
             reading.window ? fmt::format(" + {} outside", with_commas(reading.outside)) : "",
             !reading.balances(books) ? "DOES NOT BALANCE"
             : books.lost == 0        ? "complete"
                                      : "balanced, with losses");
  if (books.lost != 0) fmt::print("         lost: {}\n", books.why_lost);
  std::fflush(stdout);
}

ExitStatus tell_stopped(const std::string& signal, std::uint64_t read, const ExportEnd& to) {
  fmt::print("stopping: {} after {} records; {}\n", signal, with_commas(read),
             to.is_redis() ? "what was stored of them stays" : to.path + " is not written");
  std::fflush(stdout);
  return ExitStatus::records_lost;
}

}  // namespace

ExitStatus export_records(const ExportCommand& command, const ExporterConfig& config,
                          Signals& signals) {
  using Clock = std::chrono::steady_clock;
  require_two_places(command, config);
  const auto start = Clock::now();
  const std::unique_ptr<RecordSource> source = open_source(command.from, config);
  const std::unique_ptr<RecordTarget> target = open_target(command, config, signals);
  Reading reading{.window = command.time};
  TargetBooks books;
  try {
    ProgressBar bar{"export"};
    const auto take = [&](const telemetry::RecordView& record) {
      if (reading.wants(record)) target->write(record);
    };
    while (source->read_some(take)) {
      bar.update(source->progress(), reading.read);
      if (std::string name = signals.wait(std::chrono::milliseconds{0}); !name.empty()) {
        throw Interrupted{std::move(name)};
      }
    }
    require_some(reading, source->name());
    books = target->finish();
  } catch (const Interrupted& interrupted) {
    return tell_stopped(interrupted.signal, reading.read, command.to);
  }
  print_result(*source, *target, reading, books,
               std::chrono::duration<double>(Clock::now() - start).count());
  if (const std::string damage = source->damage(); !damage.empty()) {
    throw Failure{ExitStatus::host_not_ready,
                  {"EXPORT-READ-04", source->name() + " is damaged", damage,
                   "what could be read of it is counted above, and is in " + target->name()}};
  }
  if (!reading.balances(books)) return ExitStatus::internal_error;
  return books.lost == 0 ? ExitStatus::done : ExitStatus::records_lost;
}

}  // namespace valinor::app
