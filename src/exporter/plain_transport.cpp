#include <poll.h>
#include <sys/socket.h>

#include <cerrno>

#include "exporter/transport.hpp"

namespace valinor::exporter {
namespace {

bool would_block(int error) { return error == EAGAIN || error == EWOULDBLOCK || error == EINTR; }

class PlainTransport final : public Transport {
 public:
  explicit PlainTransport(int fd) : fd_{fd} {}

  Result<bool> establish() override { return true; }

  Result<std::size_t> send(std::string_view bytes) override {
    const ssize_t sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent >= 0) return static_cast<std::size_t>(sent);
    if (would_block(errno)) return 0;
    return fail_errno(errno, "send");
  }

  Result<std::size_t> receive(std::span<char> bytes) override { return receive(bytes, 0); }

  Result<bool> has_bytes() override {
    char byte = 0;
    return receive({&byte, 1}, MSG_PEEK).map([](std::size_t count) { return count != 0; });
  }

  short events(bool sending) const noexcept override {
    return static_cast<short>(sending ? POLLIN | POLLOUT : POLLIN);
  }

 private:
  Result<std::size_t> receive(std::span<char> bytes, int flags) const {
    const ssize_t received = ::recv(fd_, bytes.data(), bytes.size(), flags);
    if (received > 0) return static_cast<std::size_t>(received);
    if (received == 0) return fail_errno(ECONNRESET, "closed by the server");
    if (would_block(errno)) return 0;
    return fail_errno(errno, "receive");
  }

  int fd_;
};

}  // namespace

std::unique_ptr<Transport> make_plain_transport(int fd) {
  return std::make_unique<PlainTransport>(fd);
}

}  // namespace valinor::exporter
