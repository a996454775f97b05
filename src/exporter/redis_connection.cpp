#include "exporter/redis_connection.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "base/time.hpp"
#include "exporter/resp.hpp"

namespace valinor::exporter {
namespace {

/// One recv(2). An answer to a ZADD has some 6 bytes, so this is plenty.
constexpr std::size_t kReadBytes = 4096;

UniqueFd make_socket(int family) {
  return UniqueFd{::socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)};
}

std::ptrdiff_t count_addresses(const addrinfo* list) {
  std::ptrdiff_t count = 0;
  for (; list != nullptr; list = list->ai_next) ++count;
  return count;
}

/// Best effort: a connection without these works too.
void tune_tcp(int fd, std::chrono::milliseconds command_timeout) {
  const int on = 1;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  // Bytes that nobody acknowledges for this long end the connection, as a missing answer does.
  const auto unacknowledged_ms = static_cast<unsigned>(command_timeout.count());
  ::setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &unacknowledged_ms, sizeof(unacknowledged_ms));
}

}  // namespace

RedisConnection::RedisConnection(const RedisConfig& config, RedisAccess access,
                                 std::string client_name)
    : config_{config}, access_{std::move(access)}, client_name_{std::move(client_name)} {}

Result<bool> RedisConnection::advance() {
  const auto step = [this]() -> Result<void> {
    if (state_ == State::closed) return open();
    if (state_ == State::connecting) return finish_connect();
    if (state_ == State::securing) return finish_securing();
    if (state_ == State::greeting) return read_greetings();
    return {};
  };
  // Each step that gets on lets the next one try at once.
  for (State before = State::usable; before != state_;) {
    before = state_;
    if (auto done = step(); !done) {
      close();
      return tl::unexpected{std::move(done.error())};
    }
  }
  const bool secures = state_ == State::securing;
  if ((!secures && state_ != State::greeting) || Clock::now() < deadline_) return usable();
  close();
  return fail_errno(ETIMEDOUT, secures ? "TLS handshake; does this port speak TLS?" : "PING");
}

Result<void> RedisConnection::open() {
  if (config_.address.host.empty()) return open_unix();
  addrinfo wanted{};
  wanted.ai_socktype = SOCK_STREAM;
  addrinfo* list = nullptr;
  const std::string port = std::to_string(config_.address.port);
  const int error = ::getaddrinfo(config_.address.host.c_str(), port.c_str(), &wanted, &list);
  if (error != 0) {
    return fail(std::errc::address_not_available,
                "resolve '" + config_.address.host + "': " + ::gai_strerror(error));
  }
  addresses_.reset(list);
  next_address_ = list;
  connect_share_ = config_.connect_timeout / count_addresses(list);
  return open_next_address();
}

Result<void> RedisConnection::open_unix() {
  sockaddr_un name{};
  name.sun_family = AF_UNIX;
  config_.address.socket_path.copy(name.sun_path, sizeof(name.sun_path) - 1);
  fd_ = make_socket(AF_UNIX);
  if (!fd_) return fail_errno(errno, "socket");
  if (::connect(fd_.get(), reinterpret_cast<const sockaddr*>(&name), sizeof(name)) != 0) {
    return fail_errno(errno, "connect");
  }
  secure();
  return {};
}

/// A name may have several addresses ("localhost": ::1 and 127.0.0.1); the first that answers is
/// taken. Each gets an equal share of the time, so that one that is silent hides no other.
Result<void> RedisConnection::open_next_address() {
  int error = ECONNREFUSED;
  while (next_address_ != nullptr) {
    const addrinfo& address = *next_address_;
    next_address_ = address.ai_next;
    deadline_ = Clock::now() + connect_share_;
    fd_ = make_socket(address.ai_family);
    if (!fd_) {  // a kernel without IPv6
      error = errno;
      continue;
    }
    tune_tcp(fd_.get(), config_.command_timeout);
    if (::connect(fd_.get(), address.ai_addr, address.ai_addrlen) == 0) {
      secure();
      return {};
    }
    error = errno;
    if (error == EINPROGRESS) {
      state_ = State::connecting;
      return {};
    }
  }
  return fail_errno(error, "connect");
}

Result<void> RedisConnection::finish_connect() {
  pollfd ready{.fd = fd_.get(), .events = POLLOUT, .revents = 0};
  if (::poll(&ready, 1, 0) <= 0) {
    return Clock::now() < deadline_ ? Result<void>{} : give_up_address(ETIMEDOUT);
  }
  int error = 0;
  socklen_t size = sizeof(error);
  ::getsockopt(fd_.get(), SOL_SOCKET, SO_ERROR, &error, &size);
  if (error == 0) {
    secure();
    return {};
  }
  return give_up_address(error);
}

Result<void> RedisConnection::give_up_address(int error) {
  return next_address_ != nullptr ? open_next_address() : fail_errno(error, "connect");
}

void RedisConnection::secure() {
  state_ = State::securing;
  deadline_ = Clock::now() + config_.command_timeout;
  transport_ = config_.address.tls
                   ? make_tls_transport(fd_.get(), *access_.tls, config_.address.host)
                   : make_plain_transport(fd_.get());
}

Result<void> RedisConnection::finish_securing() {
  const Result<bool> established = transport_->establish();
  if (!established) return tl::unexpected{established.error()};
  if (*established) greet();
  return {};
}

void RedisConnection::greet() {
  reader_.reset(redisReaderCreate());
  state_ = State::greeting;
  const std::string password = access_.password.value_or(std::string{});
  if (!access_.user.empty()) {
    resp::append_command(output_, {"AUTH", access_.user, password});
    greetings_.push_back(Greeting::auth);
  } else if (access_.password) {
    resp::append_command(output_, {"AUTH", password});
    greetings_.push_back(Greeting::auth);
  }
  if (config_.address.database != 0) {  // a new connection is in database 0
    resp::append_command(output_, {"SELECT", std::to_string(config_.address.database)});
    greetings_.push_back(Greeting::select);
  }
  resp::append_command(output_, {"CLIENT", "SETNAME", client_name_});
  greetings_.push_back(Greeting::set_name);
  resp::append_command(output_, {"PING"});
  greetings_.push_back(Greeting::ping);
}

Result<void> RedisConnection::read_greetings() {
  while (!greetings_.empty()) {
    auto reply = next_reply();
    if (!reply) return tl::unexpected{std::move(reply.error())};
    if (!*reply) return {};
    if (auto fine = judge_greeting(greetings_.front(), ***reply); !fine) return fine;
    greetings_.pop_front();
  }
  state_ = State::usable;
  return {};
}

Result<void> RedisConnection::judge_greeting(Greeting greeting, const redisReply& reply) const {
  if (reply.type != REDIS_REPLY_ERROR) return {};
  const std::string text{to_text(reply)};
  switch (greeting) {
    case Greeting::auth: return fail(std::errc::permission_denied, describe_login() + text);
    case Greeting::select:
      return fail(std::errc::protocol_error,
                  "SELECT " + std::to_string(config_.address.database) + ": " + text);
    case Greeting::set_name: return {};  // a convenience only
    case Greeting::ping: break;
  }
  // A server that is loading answers, and an ACL without PING harms nobody: the first batch will
  // show. A server that wants a password does not get better by trying.
  if (judge_error(text) == RefusalKind::temporary || text.starts_with("NOPERM")) return {};
  if (text.starts_with("NOAUTH")) {
    return fail(std::errc::permission_denied,
                describe_login() + text + " Give export.redis.username and password_file");
  }
  return fail(std::errc::protocol_error, "PING: " + text);
}

/// "AUTH as 'writer' with the password of export.redis.password_file: "
std::string RedisConnection::describe_login() const {
  return "AUTH " + (access_.user.empty() ? std::string{} : "as '" + access_.user + "' ") +
         (access_.password ? "with the password of " + access_.password_source
                           : "without a password") +
         ": ";
}

Result<void> RedisConnection::flush() {
  while (sent_ != output_.size()) {
    const auto sent = transport_->send(std::string_view{output_}.substr(sent_));
    if (!sent) {
      // The server is gone, but answers it gave before may still wait: next_reply() reads them
      // and then meets the end of the connection.
      const int error = sent.error().code.value();
      if (error == EPIPE || error == ECONNRESET) return {};
      close();
      return tl::unexpected{sent.error()};
    }
    if (*sent == 0) {
      forget_sent();
      return {};
    }
    sent_ += *sent;
  }
  output_.clear();
  sent_ = 0;
  return {};
}

/// A saturated server may never take all of the buffer: what it took must not stay in there. Moving
/// the rest only when it is the smaller half costs less than one copy of each byte.
void RedisConnection::forget_sent() {
  if (sent_ < output_.size() / 2) return;
  output_.erase(output_.begin(), output_.begin() + static_cast<std::ptrdiff_t>(sent_));
  sent_ = 0;
}

Result<std::optional<RedisReply>> RedisConnection::next_reply() {
  std::array<char, kReadBytes> bytes;
  while (true) {
    void* reply = nullptr;
    if (redisReaderGetReply(reader_.get(), &reply) != REDIS_OK) {
      const std::string why = reader_->errstr;
      close();
      return fail(std::errc::protocol_error, "parse reply: " + why);
    }
    if (reply != nullptr) return RedisReply{static_cast<redisReply*>(reply)};
    if (auto flushed = flush(); !flushed) return tl::unexpected{std::move(flushed.error())};
    const auto received = transport_->receive(bytes);
    if (!received) {
      close();
      return tl::unexpected{received.error()};
    }
    if (*received == 0) return std::nullopt;
    redisReaderFeed(reader_.get(), bytes.data(), *received);
  }
}

void RedisConnection::wait(std::chrono::microseconds patience) {
  const bool sending = sent_ != output_.size();
  pollfd ready{.fd = fd_.get(),
               .events = transport_ ? transport_->events(sending) : short{POLLOUT},
               .revents = 0};
  const timespec limit = to_timespec(patience);
  ::ppoll(&ready, 1, &limit, nullptr);
}

Result<void> RedisConnection::check_idle() {
  const auto has_bytes = transport_->has_bytes();
  if (has_bytes && !*has_bytes) return {};
  close();
  if (!has_bytes) return tl::unexpected{has_bytes.error()};
  return fail_errno(EPROTO, "answer to no command");
}

void RedisConnection::close() noexcept {
  transport_.reset();
  fd_.reset();
  reader_.reset();
  addresses_.reset();
  next_address_ = nullptr;
  greetings_.clear();
  output_.clear();
  sent_ = 0;
  state_ = State::closed;
}

}  // namespace valinor::exporter
