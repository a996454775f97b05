/// A connection to one Redis server that never makes its caller wait, except in wait().
///
///   closed --open()--> connecting --> securing (TLS) --> greeting --> usable
///
/// The greeting is AUTH, SELECT, CLIENT SETNAME, PING, as far as needed, in one go.
///
/// Commands are appended to output() and leave with flush(), wait() or next_reply(); replies come
/// back in the order of the commands. After an error the connection is closed, and what was under
/// way is gone: hiredis' own context loses written commands that way without telling, so only its
/// parser is used here.
#pragma once

#include <hiredis/hiredis.h>
#include <netdb.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>

#include "base/result.hpp"
#include "base/unique_fd.hpp"
#include "exporter/config.hpp"
#include "exporter/redis_access.hpp"
#include "exporter/redis_reply.hpp"
#include "exporter/transport.hpp"

namespace valinor::exporter {

class RedisConnection {
 public:
  using Clock = std::chrono::steady_clock;

  /// `client_name` is shown by Redis' CLIENT LIST.
  RedisConnection(const RedisConfig& config, RedisAccess access, std::string client_name);

  /// Works towards a usable connection, starting one if there is none. True: usable. Resolving a
  /// host name may take as long as the resolver likes; addresses and UNIX sockets take no time. A
  /// server that does not let us in is errc::permission_denied.
  [[nodiscard]] Result<bool> advance();

  [[nodiscard]] bool usable() const noexcept { return state_ == State::usable; }
  [[nodiscard]] bool closed() const noexcept { return state_ == State::closed; }

  /// The server of the next connection, instead of the configured one. Only when closed().
  void set_address(const RedisAddress& address) { config_.address = address; }

  /// Commands to send. Append only, and only when usable().
  [[nodiscard]] std::string& output() noexcept { return output_; }

  /// Sends as much as the socket takes.
  [[nodiscard]] Result<void> flush();

  /// The next reply, if it has arrived.
  [[nodiscard]] Result<std::optional<RedisReply>> next_reply();

  /// Waits until a reply arrives or output can leave, at most `patience`. Reads nothing.
  void wait(std::chrono::microseconds patience);

  /// An error if the server has closed an idle connection.
  [[nodiscard]] Result<void> check_idle();

  void close() noexcept;

 private:
  enum class State { closed, connecting, securing, greeting, usable };
  enum class Greeting { auth, select, set_name, ping };
  struct FreeAddresses {
    void operator()(addrinfo* list) const noexcept { ::freeaddrinfo(list); }
  };
  struct FreeReader {
    void operator()(redisReader* reader) const noexcept { redisReaderFree(reader); }
  };

  [[nodiscard]] Result<void> open();
  [[nodiscard]] Result<void> open_unix();
  [[nodiscard]] Result<void> open_next_address();
  [[nodiscard]] Result<void> finish_connect();
  [[nodiscard]] Result<void> give_up_address(int error);
  void forget_sent();
  void secure();
  [[nodiscard]] Result<void> finish_securing();
  void greet();
  [[nodiscard]] Result<void> read_greetings();
  [[nodiscard]] Result<void> judge_greeting(Greeting greeting, const redisReply& reply) const;
  [[nodiscard]] std::string describe_login() const;

  RedisConfig config_;
  RedisAccess access_;
  std::string client_name_;
  State state_ = State::closed;
  Clock::time_point deadline_;       // of connecting to the present address, then of the rest
  Clock::duration connect_share_{};  // of the time to connect, for each address
  std::unique_ptr<addrinfo, FreeAddresses> addresses_;
  const addrinfo* next_address_ = nullptr;
  UniqueFd fd_;
  std::unique_ptr<Transport> transport_;
  std::unique_ptr<redisReader, FreeReader> reader_;
  std::deque<Greeting> greetings_;  // unanswered
  std::string output_;
  std::size_t sent_ = 0;  // of output_
};

}  // namespace valinor::exporter
