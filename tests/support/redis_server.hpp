/// A real redis-server of a test's own, in a temporary folder, gone with the object.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "base/unique_fd.hpp"
#include "exporter/config.hpp"

namespace valinor::test {

class RedisServer {
 public:
  enum class Listen { unix_socket, loopback };

  /// Reserves a folder and an address; nothing runs before start(). `options` are redis-server's
  /// own: {"--appendonly", "yes"}. Throws std::runtime_error.
  explicit RedisServer(Listen listen = Listen::unix_socket, std::vector<std::string> options = {});
  ~RedisServer();
  RedisServer(const RedisServer&) = delete;
  RedisServer& operator=(const RedisServer&) = delete;

  /// Starts the server and returns when it accepts connections, its old data loaded. Also after
  /// crash(): same folder, same address. Throws std::runtime_error with what the server said.
  void start();

  void crash();   // kill -9; returns when it is gone
  void pause();   // SIGSTOP: keeps its connections and answers nobody
  void resume();  // SIGCONT

  [[nodiscard]] const exporter::RedisAddress& address() const noexcept { return address_; }

  /// Runs a command and answers in text: a number, a string, or an array's elements. Throws
  /// std::runtime_error for an error reply.
  std::vector<std::string> command(const std::vector<std::string>& words) const;

 private:
  void read_until_ready();

  std::filesystem::path folder_;
  exporter::RedisAddress address_;
  std::vector<std::string> options_;
  pid_t pid_ = -1;
  UniqueFd log_;  // the server's stdout
};

/// A port that nobody listened on a moment ago.
[[nodiscard]] std::uint16_t find_free_port();

/// Whether there is a redis-server to run.
[[nodiscard]] bool has_redis_server();

}  // namespace valinor::test
