/// A conversation with one Redis server that makes its caller wait: for set-up, and for threads
/// that have nothing else to do. Never for the exporter's.
#pragma once

#include <memory>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "exporter/config.hpp"
#include "exporter/redis_access.hpp"
#include "exporter/redis_connection.hpp"
#include "exporter/redis_locator.hpp"
#include "exporter/redis_reply.hpp"

namespace valinor::exporter {

/// How long a caller waits: until the deadline, or until somebody asks it to stop.
struct Until {
  RedisConnection::Clock::time_point deadline;
  std::stop_token stop = {};

  [[nodiscard]] bool is_over() const noexcept {
    return stop.stop_requested() || RedisConnection::Clock::now() >= deadline;
  }
};

class RedisSession {
 public:
  using Command = std::vector<std::string>;

  /// With the server that is in charge of `key`, which for a cluster is any that the session is to
  /// be about. `client_name` is shown by Redis' CLIENT LIST.
  RedisSession(const RedisConfig& config, const RedisAccess& access, std::string_view key,
               std::string client_name);

  /// Finds the server and connects. Resolving a host name may take longer than `until`. Errors:
  /// those of RedisLocator and RedisConnection, ETIMEDOUT.
  [[nodiscard]] Result<void> open(const Until& until);

  /// The replies to all commands, in their order; error replies are replies. Only after open(),
  /// and not after an error.
  [[nodiscard]] Result<std::vector<RedisReply>> ask(std::span<const Command> commands,
                                                    const Until& until);

  /// Of the server, once it is found.
  [[nodiscard]] const RedisAddress& address() const noexcept { return address_; }

 private:
  std::unique_ptr<RedisLocator> locator_;
  RedisConnection connection_;
  RedisAddress address_;
};

}  // namespace valinor::exporter
