/// Keeps records in two files of the run, both written while it lasts:
///
///   NAME          the 34 bytes of each record, as in Redis, for numpy.load(NAME, mmap_mode="r")
///   NAME.records  each record whole, with all its hops; record_file.hpp
///
/// Both are opened at the start and complete after each batch: a reader may come at any time. A
/// disk that is full or fails refuses batches, which are tried again where they stood.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "base/unique_fd.hpp"
#include "exporter/backoff.hpp"
#include "exporter/config.hpp"
#include "exporter/record_store.hpp"

namespace valinor::exporter {

class FileStore final : public RecordStore {
 public:
  /// Makes the folder where it is missing, and both files; never overwrites one. In config.path,
  /// {run} stands for `key` and {start} for the present time, such as 20240131T235959Z. Throws
  /// Failure (FILE-OPEN-01).
  FileStore(const FileConfig& config, std::uint32_t key, RecordTime record_time);

  [[nodiscard]] std::string name() const override { return "file " + path_; }
  [[nodiscard]] const std::string& path() const noexcept { return path_; }
  void encode(const telemetry::RecordView& record, std::vector<std::byte>& rows) const override;
  [[nodiscard]] bool ready() override;
  void hurry() override;
  [[nodiscard]] std::string trouble() const override { return trouble_; }
  [[nodiscard]] std::size_t max_in_flight() const override { return 1; }
  void submit(const Batch& batch) override;
  [[nodiscard]] std::optional<Outcome> poll(std::chrono::microseconds patience) override;

 private:
  using Clock = std::chrono::steady_clock;

  [[nodiscard]] int write_batch(const Batch& batch);
  [[nodiscard]] int write_count();

  std::string path_;
  RecordTime record_time_;
  UniqueFd entries_, records_;
  std::uint64_t entry_count_ = 0;
  std::uint64_t record_bytes_ = 0;
  std::vector<std::byte> rows_;  // of the batch under way
  std::optional<Outcome> outcome_;
  Backoff backoff_;
  Clock::time_point next_attempt_{};
  std::string trouble_;
};

}  // namespace valinor::exporter
