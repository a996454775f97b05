/// Enters the run into the catalogue of runs: a hash in a Redis database of its own, and a file
/// beside the records' file. It has a thread, so that no server and no disk holds up anything else.
///
///   main thread --begin(), end()--> [ newest entry ] --> catalogue's thread --> HSET, pwrite(2)
///
/// Where Redis is away at the start the thread waits for it, and has a look then at what the start
/// could not see. All that fails is a warning.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <nlohmann/json.hpp>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "app/config.hpp"
#include "app/json_form.hpp"
#include "base/failure.hpp"
#include "base/unique_fd.hpp"
#include "exporter/redis_access.hpp"
#include "exporter/redis_dialog.hpp"
#include "exporter/redis_examination.hpp"

namespace valinor::app {

/// Main thread.
class RunCatalogue {
 public:
  struct Setting {
    std::string record_file;     // FileStore's path; empty: there is none
    bool examine_later = false;  // the start could not see Redis
  };

  /// Opens the file, so before the process gives up its rights. Starts nothing.
  RunCatalogue(const Config& config, exporter::RedisAccess access, const Setting& setting);

  /// "valinor:run:0:20240131T235959Z:lab1:4711 in database 1 and /data/0.npy.json"; empty: the run
  /// is entered nowhere.
  [[nodiscard]] std::string describe() const;

  /// Why the file could not be made, for the user to see at the start.
  [[nodiscard]] const std::vector<Finding>& warnings() const noexcept { return warnings_; }

  /// Starts the thread, which writes the entry as soon as it can.
  void begin(const Json& entry);

  /// The entry in its last form. Returns once it is written, or was tried, after 2 s at the latest.
  void end(const Json& entry);

 private:
  void give(const Json& entry);
  void work(const std::stop_token& stop);
  [[nodiscard]] bool write(const Json& entry, const std::stop_token& stop);
  void write_file(const Json& entry);
  [[nodiscard]] bool write_redis(const Json& entry, const exporter::Until& until);
  [[nodiscard]] bool look_at_redis(const exporter::Until& until);

  const exporter::ExporterConfig config_;
  const exporter::ExpectedLoad load_;
  const exporter::RedisAccess access_;
  std::string name_;  // of the hash; empty: Redis is not for us
  std::string path_;  // of the file
  std::vector<Finding> warnings_;

  // The thread's.
  UniqueFd file_;
  bool examine_later_;
  bool redis_refuses_ = false;

  std::mutex mutex_;  // of what follows
  std::condition_variable_any wake_;
  Json entry_;
  std::uint64_t given_ = 0;    // entries
  std::uint64_t tried_ = 0;    // the newest of those that there was an attempt to write
  std::uint64_t written_ = 0;  // the newest that is written
  std::jthread thread_;        // last: it uses all of the above
};

}  // namespace valinor::app
