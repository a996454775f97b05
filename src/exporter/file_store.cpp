#include "exporter/file_store.hpp"

#include <fcntl.h>
#include <fmt/chrono.h>
#include <unistd.h>

#include <cerrno>
#include <ctime>
#include <filesystem>
#include <span>
#include <utility>

#include "base/failure.hpp"
#include "base/file_io.hpp"
#include "exporter/npy.hpp"
#include "exporter/record_file.hpp"
#include "exporter/valinor_entry.hpp"

namespace valinor::exporter {
namespace {

namespace fs = std::filesystem;
using std::chrono::microseconds;
using std::chrono::milliseconds;

void replace(std::string& text, std::string_view what, const std::string& with) {
  for (auto at = text.find(what); at != std::string::npos; at = text.find(what, at + with.size())) {
    text.replace(at, what.size(), with);
  }
}

std::string to_path(std::string path, std::uint32_t key) {
  replace(path, "{run}", std::to_string(key));
  replace(path, "{start}", fmt::format("{:%Y%m%dT%H%M%SZ}", fmt::gmtime(std::time(nullptr))));
  return path;
}

[[noreturn]] void refuse(const std::string& path, int error) {
  throw Failure{
      ExitStatus::host_not_ready,
      {.code = "FILE-OPEN-01",
       .what = "cannot write records to " + path,
       .why = describe_errno(error),
       .next = error == EEXIST ? "export.file.path with {start} in it names a new file for "
                                 "each run"
                               : "export.file.path: /another/folder/{run}/{start}.npy"}};
}

UniqueFd make_file(const std::string& path) {
  constexpr mode_t kMode = 0644;
  UniqueFd file{::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, kMode)};
  if (!file) refuse(path, errno);
  return file;
}

}  // namespace

FileStore::FileStore(const FileConfig& config, std::uint32_t key, RecordTime record_time)
    : path_{to_path(config.path, key)},
      record_time_{record_time},
      backoff_{milliseconds{100}, milliseconds{5000}} {
  std::error_code error;
  const fs::path folder = fs::path{path_}.parent_path();
  if (!folder.empty()) fs::create_directories(folder, error);
  if (error) refuse(path_, error.value());
  entries_ = make_file(path_);
  records_ = make_file(path_ + ".records");
  RecordFileHeader header;
  header.key = key;
  record_bytes_ = sizeof header;
  int failed = write_at(records_.get(), std::as_bytes(std::span{&header, 1}), 0);
  if (failed == 0) failed = write_count();
  if (failed != 0) refuse(path_, failed);
}

void FileStore::encode(const telemetry::RecordView& record, std::vector<std::byte>& rows) const {
  append_record(record, rows);
}

bool FileStore::ready() { return trouble_.empty() || Clock::now() >= next_attempt_; }

void FileStore::hurry() {
  next_attempt_ = Clock::now();
  backoff_.reset();
}

void FileStore::submit(const Batch& batch) {
  const int error = write_batch(batch);
  if (error == 0) {
    trouble_.clear();
    backoff_.reset();
    outcome_ = Outcome{.reason = {}};
    return;
  }
  next_attempt_ = Clock::now() + backoff_.next();
  trouble_ = "refuses: " + describe_errno(error);
  outcome_ = Outcome{.kind = Outcome::Kind::refused, .reason = trouble_};
}

std::optional<Outcome> FileStore::poll(microseconds) {
  return std::exchange(outcome_, std::nullopt);
}

/// What an attempt that failed has written is written over by the next one.
int FileStore::write_batch(const Batch& batch) {
  rows_.clear();
  std::uint64_t entries = 0;
  for_each_record(batch.rows, [&](const telemetry::RecordView& record) {
    const ValinorRow row = to_row(to_entry(record.packet, record.hops, record_time_));
    rows_.insert(rows_.end(), row.begin(), row.end());
    ++entries;
  });
  int error = write_at(records_.get(), batch.rows, record_bytes_);
  if (error == 0) {
    error = write_at(entries_.get(), rows_, kNpyHeaderBytes + entry_count_ * kValinorRowBytes);
  }
  if (error != 0) return error;
  record_bytes_ += batch.rows.size();
  entry_count_ += entries;
  return write_count();
}

int FileStore::write_count() {
  const std::string header = make_npy_header(entry_count_);
  return write_at(entries_.get(), std::as_bytes(std::span{header}), 0);
}

}  // namespace valinor::exporter
