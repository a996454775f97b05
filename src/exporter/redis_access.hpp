/// What it takes to be let in by a Redis server: a user, a password, a TLS context. Read once, at
/// set-up, while files may still be read; connections are made with it for the rest of the run.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "exporter/config.hpp"
#include "exporter/tls_context.hpp"

namespace valinor::exporter {

struct RedisAccess {
  std::string user;                       // empty: the server's default user
  std::optional<std::string> password;    // never printed
  std::string password_source;            // "export.redis.password_file", for messages
  std::shared_ptr<const TlsContext> tls;  // null: no server is reached by TLS
};

/// The password is that of the first of these which is there: the file export.redis.password_file,
/// the environment variable VALINOR_REDIS_PASSWORD, systemd's credential redis-password. Throws
/// Failure: REDIS-PASS-01 where the password cannot be read, REDIS-TLS-01 as TlsContext.
[[nodiscard]] RedisAccess read_access(const RedisConfig& config);

}  // namespace valinor::exporter
