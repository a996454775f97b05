#include "support/redis_server.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <hiredis/hiredis.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <memory>
#include <stdexcept>

namespace valinor::test {
namespace {

/// Becomes redis-server, writing to `log`; never returns.
[[noreturn]] void become_server(const std::vector<char*>& arguments, int log) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);  // no server outlives its test, even one that crashes
  ::dup2(log, STDOUT_FILENO);
  ::dup2(log, STDERR_FILENO);
  ::execvp(arguments[0], arguments.data());
  ::_exit(127);
}

void append_text(std::vector<std::string>& texts, const redisReply& reply) {
  if (reply.type == REDIS_REPLY_INTEGER) texts.push_back(std::to_string(reply.integer));
  if (reply.str != nullptr) texts.emplace_back(reply.str, reply.len);
  for (std::size_t i = 0; i < reply.elements; ++i) append_text(texts, *reply.element[i]);
}

}  // namespace

std::uint16_t find_free_port() {
  const UniqueFd fd{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), size) != 0 ||
      ::getsockname(fd.get(), reinterpret_cast<sockaddr*>(&address), &size) != 0) {
    throw std::runtime_error{"no free port on the loopback"};
  }
  return ntohs(address.sin_port);
}

RedisServer::RedisServer(Listen listen, std::vector<std::string> options)
    : options_{std::move(options)} {
  std::string pattern = (std::filesystem::temp_directory_path() / "valinor-redis-XXXXXX").string();
  if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error{"mkdtemp " + pattern};
  folder_ = pattern;
  if (listen == Listen::unix_socket) {
    address_.host.clear();
    address_.socket_path = (folder_ / "redis.sock").string();
  } else {
    address_.port = find_free_port();
  }
}

RedisServer::~RedisServer() {
  crash();
  std::error_code ignored;
  std::filesystem::remove_all(folder_, ignored);
}

void RedisServer::start() {
  const bool is_unix = address_.host.empty();
  std::vector<std::string> words{"redis-server",
                                 "--dir",
                                 folder_.string(),
                                 "--save",
                                 "",
                                 "--port",
                                 is_unix ? "0" : std::to_string(address_.port),
                                 "--bind",
                                 "127.0.0.1",
                                 "--loglevel",
                                 "notice"};
  if (is_unix) words.insert(words.end(), {"--unixsocket", address_.socket_path});
  words.insert(words.end(), options_.begin(), options_.end());
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);

  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) throw std::runtime_error{"pipe2"};
  log_ = UniqueFd{ends[0]};
  UniqueFd writing_end{ends[1]};
  pid_ = ::fork();
  if (pid_ < 0) throw std::runtime_error{"fork"};
  if (pid_ == 0) become_server(arguments, writing_end.get());
  // Our copy of the writing end must go, or a server that dies would leave us reading for ever.
  writing_end.reset();
  read_until_ready();
}

void RedisServer::read_until_ready() {
  std::string text;
  std::array<char, 1024> part;
  while (text.find("eady to accept connections") == std::string::npos) {
    const ssize_t size = ::read(log_.get(), part.data(), part.size());
    if (size <= 0) {
      crash();
      throw std::runtime_error{"redis-server ended at start: " + text};
    }
    text.append(part.data(), static_cast<std::size_t>(size));
  }
}

void RedisServer::crash() {
  if (pid_ < 0) return;
  ::kill(pid_, SIGKILL);
  ::waitpid(pid_, nullptr, 0);
  pid_ = -1;
}

void RedisServer::pause() {
  ::kill(pid_, SIGSTOP);
  ::waitpid(pid_, nullptr, WUNTRACED);  // returns when it has stopped
}

void RedisServer::resume() { ::kill(pid_, SIGCONT); }

std::vector<std::string> RedisServer::command(const std::vector<std::string>& words) const {
  struct Free {
    void operator()(redisContext* context) const noexcept { redisFree(context); }
    void operator()(redisReply* reply) const noexcept { freeReplyObject(reply); }
  };
  const std::unique_ptr<redisContext, Free> context{
      address_.host.empty() ? redisConnectUnix(address_.socket_path.c_str())
                            : redisConnect(address_.host.c_str(), address_.port)};
  std::vector<const char*> starts;
  std::vector<std::size_t> sizes;
  for (const std::string& word : words) {
    starts.push_back(word.data());
    sizes.push_back(word.size());
  }
  const std::unique_ptr<redisReply, Free> reply{static_cast<redisReply*>(redisCommandArgv(
      context.get(), static_cast<int>(words.size()), starts.data(), sizes.data()))};
  if (!reply) throw std::runtime_error{words[0] + ": no reply"};
  if (reply->type == REDIS_REPLY_ERROR) throw std::runtime_error{words[0] + ": " + reply->str};
  std::vector<std::string> texts;
  append_text(texts, *reply);
  return texts;
}

bool has_redis_server() {
  static const bool found = std::system("command -v redis-server >/dev/null 2>&1") == 0;
  return found;
}

}  // namespace valinor::test
