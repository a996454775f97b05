/// Knows which server a store has to write to now: always the same one, the master that sentinels
/// name, or the cluster's node that serves the key. Never waits.
#pragma once

#include <memory>
#include <optional>
#include <string_view>

#include "base/result.hpp"
#include "exporter/config.hpp"
#include "exporter/redis_access.hpp"

namespace valinor::exporter {

struct RedisTarget {
  RedisAddress address;
  bool asking = false;  // the key is on its way there: ASKING goes before each command
};

class RedisLocator {
 public:
  virtual ~RedisLocator() = default;

  /// Works towards an answer, which stays until forget() or redirects() takes it back. Error:
  /// nobody could say; the next call asks again.
  [[nodiscard]] virtual Result<std::optional<RedisTarget>> advance() = 0;

  /// The connection to the target is lost.
  virtual void forget() = 0;

  /// Whether the target's error reply means that another server has to be asked, which advance()
  /// then gives.
  [[nodiscard]] virtual bool redirects(std::string_view error) = 0;
};

/// `key` is the only one that is written.
[[nodiscard]] std::unique_ptr<RedisLocator> make_locator(const RedisConfig& config,
                                                         const RedisAccess& access,
                                                         std::string_view key);

/// The kinds that ask.
[[nodiscard]] std::unique_ptr<RedisLocator> make_sentinel_locator(const RedisConfig& config,
                                                                  const RedisAccess& access);
[[nodiscard]] std::unique_ptr<RedisLocator> make_cluster_locator(const RedisConfig& config,
                                                                 const RedisAccess& access,
                                                                 std::string_view key);

}  // namespace valinor::exporter
