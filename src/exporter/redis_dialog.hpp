/// A conversation with a Redis server that makes its caller wait: for what is not part of a run's
/// data path, and threads that have nothing else to do. Never for the exporter's. It goes where the
/// locator says, as a store does, and follows a server that sends it elsewhere. One thread.
#pragma once

#include <chrono>
#include <functional>
#include <initializer_list>
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

/// Errors of all that ask: those of RedisLocator and RedisConnection, ETIMEDOUT. The connection is
/// closed then, and the next call makes a new one.
class RedisDialog {
 public:
  using Command = std::vector<std::string>;

  /// About `key`, with the server that is in charge of it. `client_name` is shown by Redis' CLIENT
  /// LIST. Connects with open() or the first command.
  RedisDialog(const RedisConfig& config, const RedisAccess& access, std::string_view key,
              std::string client_name);

  /// Finds the server and connects, where that is not so already. Resolving a host name may take
  /// longer than `until`.
  [[nodiscard]] Result<void> open(const Until& until);

  /// The replies to all commands, which go out at once, in their order; error replies are replies.
  /// Commands are sent again to another server, so they must bear that.
  [[nodiscard]] Result<std::vector<RedisReply>> ask(std::span<const Command> commands,
                                                    const Until& until);

  /// The reply to one, for which the configured timeouts are the patience.
  [[nodiscard]] Result<RedisReply> ask(std::initializer_list<std::string_view> words);

  /// The same for a command that is too long for memory: `more` appends its next piece, in RESP,
  /// and says no when it has appended the last one. The server may take `patience` after that. It
  /// is not followed elsewhere: something else is asked before.
  [[nodiscard]] Result<RedisReply> ask_in_pieces(const std::function<bool(std::string&)>& more,
                                                 std::chrono::milliseconds patience);

  /// Of the server, once it is found; before that the configured one.
  [[nodiscard]] const RedisAddress& address() const noexcept { return address_; }

 private:
  using Clock = RedisConnection::Clock;

  [[nodiscard]] Result<void> find_server(const Until& until);
  [[nodiscard]] Result<std::vector<RedisReply>> exchange(std::span<const Command> commands,
                                                         const Until& until);
  [[nodiscard]] Result<void> send_all(const Until& until);
  [[nodiscard]] Result<RedisReply> answer(std::string_view command, const Until& until);
  [[nodiscard]] Until to_connect() const;
  [[nodiscard]] bool sends_us_elsewhere(std::span<const RedisReply> replies);
  tl::unexpected<Error> give_up(Error error);

  RedisConfig config_;
  std::unique_ptr<RedisLocator> locator_;
  RedisConnection connection_;
  RedisAddress address_;
  bool asking_ = false;  // ASKING goes before each command
};

}  // namespace valinor::exporter
