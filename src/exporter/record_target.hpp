/// Where `valinor-afxdp export` puts records: a file, or (app/export_redis.hpp) Redis. One thread.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

#include "exporter/config.hpp"
#include "telemetry/record.hpp"

namespace valinor::exporter {

/// What became of the records that a target was given: each is in one of these.
struct TargetBooks {
  std::uint64_t written = 0;
  std::uint64_t collapsed = 0;  // an equal record was there already
  std::uint64_t lost = 0;       // `why_lost` says why
  std::string why_lost{};
};

class RecordTarget {
 public:
  virtual ~RecordTarget() = default;

  /// "run.csv", for messages.
  [[nodiscard]] virtual std::string name() const = 0;

  /// Throws Failure (EXPORT-WRITE-02, -03).
  virtual void write(const telemetry::RecordView& record) = 0;

  /// Nothing comes after. A file has its name only from now on: what is destroyed before leaves
  /// none.
  [[nodiscard]] virtual TargetBooks finish() = 0;
};

enum class FileForm : std::uint8_t { npy, records, csv };

/// Throws Failure (EXPORT-WRITE-01) where the file is there and may not be overwritten, or cannot
/// be made. `run` is noted in files of whole records.
[[nodiscard]] std::unique_ptr<RecordTarget> open_file_target(const std::filesystem::path& path,
                                                             FileForm form, bool overwrite,
                                                             std::uint32_t run,
                                                             RecordTime record_time);

}  // namespace valinor::exporter
