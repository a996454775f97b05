/// One command, asked of several servers one after another until one answers. Never waits.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "exporter/config.hpp"
#include "exporter/redis_access.hpp"
#include "exporter/redis_connection.hpp"
#include "exporter/redis_reply.hpp"

namespace valinor::exporter {

class RedisQuestion {
 public:
  enum class Login {
    always,
    if_asked,  // sentinels mostly let everybody ask, and do not know the servers' users
  };
  struct Answer {
    RedisReply reply;
    RedisAddress from;
  };

  /// `config` gives the timeouts.
  RedisQuestion(const RedisConfig& config, RedisAccess access, std::vector<std::string> words,
                Login login);

  /// Whom to ask, from the first on. At least one.
  void set_servers(std::vector<RedisAddress> servers);

  /// Works towards an answer: the reply of the first server that has one, an error reply included.
  /// Each answer is given once; the next call asks the next server. Error: all of them have been
  /// asked in vain; the next call begins again.
  [[nodiscard]] Result<std::optional<Answer>> advance();

 private:
  using Clock = RedisConnection::Clock;

  [[nodiscard]] Result<RedisReply> try_server();
  void go_on() noexcept;

  RedisConfig config_;
  RedisAccess access_;
  std::string command_;
  Login login_;
  std::vector<RedisAddress> servers_;
  std::size_t next_ = 0;     // of servers_
  std::size_t in_vain_ = 0;  // servers asked without an answer, since the last answer
  std::unique_ptr<RedisConnection> connection_;  // to servers_[next_]
  bool asked_ = false;
  bool logs_in_;
  Clock::time_point deadline_{};  // of the reply
};

}  // namespace valinor::exporter
