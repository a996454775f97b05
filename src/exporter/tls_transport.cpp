#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <new>

#include "exporter/transport.hpp"

namespace valinor::exporter {
namespace {

int to_fd(BIO* bio) { return *static_cast<const int*>(::BIO_get_data(bio)); }

bool would_block(int error) { return error == EAGAIN || error == EWOULDBLOCK || error == EINTR; }

int write_socket(BIO* bio, const char* bytes, int count) {
  BIO_clear_retry_flags(bio);
  const ssize_t sent = ::send(to_fd(bio), bytes, static_cast<std::size_t>(count), MSG_NOSIGNAL);
  if (sent < 0 && would_block(errno)) BIO_set_retry_write(bio);
  return static_cast<int>(sent);
}

int read_socket(BIO* bio, char* bytes, int count) {
  BIO_clear_retry_flags(bio);
  const ssize_t received = ::recv(to_fd(bio), bytes, static_cast<std::size_t>(count), 0);
  if (received < 0 && would_block(errno)) BIO_set_retry_read(bio);
  return static_cast<int>(received);
}

/// Nothing is buffered, so there is nothing to flush.
long control_socket(BIO*, int command, long, void*) { return command == BIO_CTRL_FLUSH ? 1 : 0; }

/// OpenSSL's own socket BIO writes with write(2), and a server that is gone would end the program
/// by SIGPIPE.
const BIO_METHOD* socket_method() {
  struct Free {
    void operator()(BIO_METHOD* method) const noexcept { ::BIO_meth_free(method); }
  };
  static const std::unique_ptr<BIO_METHOD, Free> kMethod = [] {
    std::unique_ptr<BIO_METHOD, Free> made{
        ::BIO_meth_new(::BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "socket without signals")};
    if (!made) throw std::bad_alloc{};
    ::BIO_meth_set_write(made.get(), write_socket);
    ::BIO_meth_set_read(made.get(), read_socket);
    ::BIO_meth_set_ctrl(made.get(), control_socket);
    return made;
  }();
  return kMethod.get();
}

int to_count(std::size_t size) { return static_cast<int>(std::min<std::size_t>(size, INT_MAX)); }

class TlsTransport final : public Transport {
 public:
  TlsTransport(int fd, const TlsContext& context, const std::string& host)
      : fd_{fd}, ssl_{context.make_ssl(host)} {
    BIO* bio = ::BIO_new(socket_method());
    if (bio == nullptr) throw std::bad_alloc{};
    ::BIO_set_data(bio, &fd_);
    ::BIO_set_init(bio, 1);
    ::SSL_set_bio(ssl_.get(), bio, bio);  // owns it from here on
  }

  ~TlsTransport() override {
    // Tells the server that nothing was cut off, if there is room for it now.
    if (healthy_) ::SSL_shutdown(ssl_.get());
    ::ERR_clear_error();
  }
  TlsTransport(const TlsTransport&) = delete;
  TlsTransport& operator=(const TlsTransport&) = delete;

  Result<bool> establish() override {
    if (healthy_) return true;
    const auto done = judge(prepare([&] { return ::SSL_connect(ssl_.get()); }));
    if (!done) return tl::unexpected{done.error()};
    healthy_ = *done > 0;
    return healthy_;
  }

  Result<std::size_t> send(std::string_view bytes) override {
    auto sent = judge(
        prepare([&] { return ::SSL_write(ssl_.get(), bytes.data(), to_count(bytes.size())); }));
    send_waits_for_ = waits_for_;
    return sent;
  }

  Result<std::size_t> receive(std::span<char> bytes) override {
    return judge(
        prepare([&] { return ::SSL_read(ssl_.get(), bytes.data(), to_count(bytes.size())); }));
  }

  Result<bool> has_bytes() override {
    char byte = 0;
    return judge(prepare([&] { return ::SSL_peek(ssl_.get(), &byte, 1); }))
        .map([](std::size_t count) { return count != 0; });
  }

  short events(bool sending) const noexcept override {
    if (!healthy_) return waits_for_;
    // Keys may be due for a change, and then sending has to wait for the server.
    return static_cast<short>(sending ? POLLIN | send_waits_for_ : POLLIN);
  }

 private:
  /// The errors that OpenSSL notes for this thread are those of this call only.
  template <class Call>
  int prepare(Call&& call) {
    ::ERR_clear_error();
    errno = 0;
    return call();
  }

  Result<std::size_t> judge(int result) {
    waits_for_ = POLLOUT;
    if (result > 0) return static_cast<std::size_t>(result);
    const int error = errno;
    switch (::SSL_get_error(ssl_.get(), result)) {
      case SSL_ERROR_WANT_READ: waits_for_ = POLLIN; return 0;
      case SSL_ERROR_WANT_WRITE: return 0;
      case SSL_ERROR_ZERO_RETURN: healthy_ = false; return fail_errno(ECONNRESET, kClosed);
      case SSL_ERROR_SYSCALL:
        healthy_ = false;
        return fail_errno(error == 0 ? ECONNRESET : error, error == 0 ? kClosed : "TLS");
      default: break;
    }
    healthy_ = false;
    return fail_errno(EPROTO, "TLS: " + reason());
  }

  [[nodiscard]] std::string reason() const {
    const unsigned long error = ::ERR_peek_error();
    if (ERR_GET_REASON(error) == SSL_R_UNEXPECTED_EOF_WHILE_READING) {
      ::ERR_clear_error();
      return kClosed;
    }
    const long verified = ::SSL_get_verify_result(ssl_.get());
    std::string text = take_tls_error();
    if (verified != X509_V_OK && ERR_GET_REASON(error) == SSL_R_CERTIFICATE_VERIFY_FAILED) {
      text += std::string{": "} + ::X509_verify_cert_error_string(verified);
    }
    if (ERR_GET_REASON(error) == SSL_R_WRONG_VERSION_NUMBER) {
      text += ": what answers there does not speak TLS";
    }
    return text;
  }

  static constexpr const char* kClosed = "closed by the server";

  int fd_;
  std::unique_ptr<SSL, TlsContext::FreeSsl> ssl_;
  bool healthy_ = false;            // established, and nothing has failed since
  short waits_for_ = POLLOUT;       // what the last call that did nothing waits for
  short send_waits_for_ = POLLOUT;  // ... and the last send
};

}  // namespace

std::unique_ptr<Transport> make_tls_transport(int fd, const TlsContext& context,
                                              const std::string& host) {
  return std::make_unique<TlsTransport>(fd, context, host);
}

}  // namespace valinor::exporter
