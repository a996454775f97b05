/// Asks a Redis server one command after another, and waits for each answer: for what is not part
/// of a run. Goes where the locator says, as a store does. One thread.
#pragma once

#include <chrono>
#include <functional>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "exporter/config.hpp"
#include "exporter/redis_access.hpp"
#include "exporter/redis_connection.hpp"
#include "exporter/redis_locator.hpp"
#include "exporter/redis_reply.hpp"

namespace valinor::exporter {

class RedisDialog {
 public:
  /// About `key`, with the server that serves it. Reads what read_access() says, which throws;
  /// connects with the first command.
  RedisDialog(const RedisConfig& config, const std::string& key);

  /// The answer, also one that is an error. A server that sends us elsewhere is followed. Error: no
  /// connection, or no answer in time.
  [[nodiscard]] Result<RedisReply> ask(std::initializer_list<std::string_view> words);

  /// The same for a command that is too long for memory: `more` appends its next piece, in RESP,
  /// and says no when it has appended the last one. The server may take `patience` after that. It
  /// is not followed elsewhere: something else is asked before.
  [[nodiscard]] Result<RedisReply> ask_in_pieces(const std::function<bool(std::string&)>& more,
                                                 std::chrono::milliseconds patience);

 private:
  using Clock = RedisConnection::Clock;

  [[nodiscard]] Result<void> connect();
  [[nodiscard]] Result<void> send_all(Clock::time_point deadline);
  [[nodiscard]] Result<RedisReply> answer(Clock::time_point deadline);

  RedisConfig config_;
  RedisAccess access_;
  std::unique_ptr<RedisLocator> locator_;
  RedisConnection connection_;
  bool asking_ = false;  // ASKING goes before each command
};

}  // namespace valinor::exporter
