/// Records read back from where a run has put them: files of its disk, or keys of its Redis. For
/// `valinor-afxdp export`. One thread, which waits for disks and servers.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "exporter/config.hpp"
#include "telemetry/record.hpp"

namespace valinor::exporter {

class RecordSource {
 public:
  using Take = std::function<void(const telemetry::RecordView&)>;

  virtual ~RecordSource() = default;

  /// "the sorted set 7 of redis://127.0.0.1:6379/0", for messages.
  [[nodiscard]] virtual std::string name() const = 0;

  /// Gives the next records to `take`; false: there were none left. Throws Failure (EXPORT-READ-03,
  /// a server or disk that fails) and what `take` throws.
  [[nodiscard]] virtual bool read_some(const Take& take) = 0;

  /// How much of it is read, from 0 to 1.
  [[nodiscard]] virtual double progress() const = 0;

  /// At the end: why it is not all that was written; "" where it is.
  [[nodiscard]] virtual std::string damage() const { return {}; }
};

// Each throws Failure: EXPORT-READ-01 for one that is not there or cannot be read, EXPORT-READ-02
// for what is no such file. A Redis that has no such key is EXPORT-KEY-01.

/// NAME.npy.records, NAME.npy or NAME.spill by what the file begins with; of a folder all its
/// *.spill. What stands in a spill file stays there.
[[nodiscard]] std::unique_ptr<RecordSource> open_file_source(const std::filesystem::path& path);
[[nodiscard]] std::unique_ptr<RecordSource> open_spill_source(
    const std::vector<std::filesystem::path>& paths);

/// What run `run` has stored, in the form that `config` says; the sorted sets of several shards are
/// merged by time, streams come one after another.
[[nodiscard]] std::unique_ptr<RecordSource> open_redis_source(const RedisConfig& config,
                                                              std::uint32_t run);

}  // namespace valinor::exporter
