#include "exporter/tls_context.hpp"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>

#include <array>
#include <new>

#include "base/failure.hpp"
#include "base/log.hpp"

namespace valinor::exporter {
namespace {

[[noreturn]] void refuse(const std::string& what) {
  throw Failure{ExitStatus::host_not_ready,
                {"REDIS-TLS-01", what, take_tls_error(),
                 "PEM files that the user who starts this program can read; a key has no "
                 "passphrase"}};
}

bool is_address(const std::string& host) {
  std::array<unsigned char, sizeof(in6_addr)> bytes;
  return ::inet_pton(AF_INET, host.c_str(), bytes.data()) == 1 ||
         ::inet_pton(AF_INET6, host.c_str(), bytes.data()) == 1;
}

/// Instead of a question on the terminal.
int no_passphrase(char*, int, int, void*) { return -1; }

void trust(SSL_CTX* context, const RedisTlsConfig& config) {
  ::SSL_CTX_set_verify(context, config.verify ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, nullptr);
  if (!config.verify) {
    log::warning(
        "export.redis.tls.verify is false: whoever sits between us and the server can read and "
        "change what we send, the password included");
    return;
  }
  if (!config.ca.empty()) {
    if (::SSL_CTX_load_verify_file(context, config.ca.c_str()) != 1) {
      refuse("cannot use export.redis.tls.ca '" + config.ca + "'");
    }
  } else if (::SSL_CTX_set_default_verify_paths(context) != 1) {
    refuse("cannot use this system's certificates");
  }
}

void show_who_we_are(SSL_CTX* context, const RedisTlsConfig& config) {
  if (config.cert.empty()) return;
  if (::SSL_CTX_use_certificate_chain_file(context, config.cert.c_str()) != 1) {
    refuse("cannot use export.redis.tls.cert '" + config.cert + "'");
  }
  ::SSL_CTX_set_default_passwd_cb(context, no_passphrase);
  if (::SSL_CTX_use_PrivateKey_file(context, config.key.c_str(), SSL_FILETYPE_PEM) != 1 ||
      ::SSL_CTX_check_private_key(context) != 1) {
    refuse("cannot use export.redis.tls.key '" + config.key + "'");
  }
}

}  // namespace

TlsContext::TlsContext(const RedisTlsConfig& config)
    : context_{::SSL_CTX_new(::TLS_client_method())}, server_name_{config.server_name} {
  if (!context_) throw std::bad_alloc{};
  ::ERR_clear_error();
  ::SSL_CTX_set_min_proto_version(context_.get(), TLS1_2_VERSION);
  // A batch leaves in pieces, from a buffer that grows meanwhile.
  ::SSL_CTX_set_mode(context_.get(),
                     SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  trust(context_.get(), config);
  show_who_we_are(context_.get(), config);
}

std::unique_ptr<SSL, TlsContext::FreeSsl> TlsContext::make_ssl(const std::string& host) const {
  std::unique_ptr<SSL, FreeSsl> ssl{::SSL_new(context_.get())};
  if (!ssl) throw std::bad_alloc{};
  const std::string& name = server_name_.empty() ? host : server_name_;
  if (is_address(name)) {
    ::X509_VERIFY_PARAM_set1_ip_asc(::SSL_get0_param(ssl.get()), name.c_str());
  } else {
    ::SSL_set_tlsext_host_name(ssl.get(), name.c_str());
    ::SSL_set1_host(ssl.get(), name.c_str());
  }
  return ssl;
}

std::string take_tls_error() {
  const unsigned long error = ::ERR_get_error();  // the first is the cause
  ::ERR_clear_error();
  if (error == 0) return "no reason given";
  if (ERR_SYSTEM_ERROR(error)) return describe_errno(ERR_GET_REASON(error));
  const char* reason = ::ERR_reason_error_string(error);
  return reason == nullptr ? "OpenSSL error " + std::to_string(error) : reason;
}

}  // namespace valinor::exporter
