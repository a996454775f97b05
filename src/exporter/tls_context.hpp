/// What all TLS connections of a store share: whom we trust, and who we are.
#pragma once

#include <openssl/ssl.h>

#include <memory>
#include <string>

#include "exporter/config.hpp"

namespace valinor::exporter {

class TlsContext {
 public:
  /// Reads the files. Throws Failure (REDIS-TLS-01).
  explicit TlsContext(const RedisTlsConfig& config);

  /// A new connection's state. `host` is the URL's: the name that the certificate must have, unless
  /// the configuration names another. Throws std::bad_alloc.
  struct FreeSsl {
    void operator()(SSL* ssl) const noexcept { ::SSL_free(ssl); }
  };
  [[nodiscard]] std::unique_ptr<SSL, FreeSsl> make_ssl(const std::string& host) const;

 private:
  struct FreeContext {
    void operator()(SSL_CTX* context) const noexcept { ::SSL_CTX_free(context); }
  };
  std::unique_ptr<SSL_CTX, FreeContext> context_;
  std::string server_name_;
};

/// What OpenSSL has to say about the call that just failed, in a few words. Empties its list.
[[nodiscard]] std::string take_tls_error();

}  // namespace valinor::exporter
