#include "exporter/redis_connection.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "exporter/resp.hpp"

namespace valinor::exporter {
namespace {

/// One recv(2). An answer to a ZADD has some 6 bytes, so this is plenty.
constexpr std::size_t kReadBytes = 4096;

tl::unexpected<Error> fail_errno(int error, std::string doing) {
  return tl::unexpected<Error>{Error{{error, std::generic_category()}, std::move(doing)}};
}

bool would_block(int error) { return error == EAGAIN || error == EWOULDBLOCK || error == EINTR; }

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

RedisConnection::RedisConnection(const RedisConfig& config, std::string client_name)
    : config_{config}, client_name_{std::move(client_name)} {}

Result<bool> RedisConnection::advance() {
  const auto step = [this]() -> Result<void> {
    if (state_ == State::closed) return open();
    if (state_ == State::connecting) return finish_connect();
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
  if (state_ != State::greeting || Clock::now() < deadline_) return usable();
  close();
  return fail_errno(ETIMEDOUT, "PING");
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
  greet();
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
      greet();
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
    greet();
    return {};
  }
  return give_up_address(error);
}

Result<void> RedisConnection::give_up_address(int error) {
  return next_address_ != nullptr ? open_next_address() : fail_errno(error, "connect");
}

void RedisConnection::greet() {
  reader_.reset(redisReaderCreate());
  state_ = State::greeting;
  deadline_ = Clock::now() + config_.command_timeout;
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
    case Greeting::select:
      return fail(std::errc::protocol_error,
                  "SELECT " + std::to_string(config_.address.database) + ": " + text);
    case Greeting::set_name: return {};  // a convenience only
    case Greeting::ping: break;
  }
  // A server that is loading answers, and an ACL without PING harms nobody: the first batch will
  // show. A server that wants a password does not get better by trying.
  if (judge_error(text) == RefusalKind::temporary || text.starts_with("NOPERM")) return {};
  return fail(std::errc::protocol_error, "PING: " + text);
}

Result<void> RedisConnection::flush() {
  while (sent_ != output_.size()) {
    const ssize_t sent =
        ::send(fd_.get(), output_.data() + sent_, output_.size() - sent_, MSG_NOSIGNAL);
    if (sent < 0) {
      if (would_block(errno)) {
        forget_sent();
        return {};
      }
      // The server is gone, but answers it gave before may still wait: next_reply() reads them
      // and then meets the end of the connection.
      if (errno == EPIPE || errno == ECONNRESET) return {};
      const int error = errno;
      close();
      return fail_errno(error, "send");
    }
    sent_ += static_cast<std::size_t>(sent);
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
    const ssize_t received = ::recv(fd_.get(), bytes.data(), bytes.size(), 0);
    if (received < 0 && would_block(errno)) return std::nullopt;
    if (received <= 0) {
      const int error = received == 0 ? ECONNRESET : errno;
      close();
      return fail_errno(error, received == 0 ? "closed by the server" : "receive");
    }
    redisReaderFeed(reader_.get(), bytes.data(), static_cast<std::size_t>(received));
  }
}

void RedisConnection::wait(std::chrono::milliseconds patience) {
  const bool sending = sent_ != output_.size();
  pollfd ready{.fd = fd_.get(),
               .events = static_cast<short>(sending ? POLLIN | POLLOUT : POLLIN),
               .revents = 0};
  ::poll(&ready, 1, static_cast<int>(patience.count()));
}

Result<void> RedisConnection::check_idle() {
  char byte = 0;
  const ssize_t peeked = ::recv(fd_.get(), &byte, 1, MSG_PEEK);
  if (peeked < 0 && would_block(errno)) return {};
  const int error = peeked < 0 ? errno : peeked == 0 ? ECONNRESET : EPROTO;
  close();
  return fail_errno(error, error == EPROTO ? "answer to no command" : "closed by the server");
}

void RedisConnection::close() noexcept {
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
