// Asks sentinels for the master, as https://redis.io/docs/reference/sentinel-clients says: again
// after each lost connection, and when the server says that it is a replica now.

#include <charconv>

#include "exporter/redis_locator.hpp"
#include "exporter/redis_question.hpp"

namespace valinor::exporter {
namespace {

class SentinelLocator final : public RedisLocator {
 public:
  SentinelLocator(const RedisConfig& config, const RedisAccess& access)
      : server_{config.address},
        master_{config.sentinel.master},
        sentinels_{config.sentinel.hosts.size()},
        question_{config,
                  access,
                  {"SENTINEL", "get-master-addr-by-name", master_},
                  RedisQuestion::Login::if_asked} {
    std::vector<RedisAddress> hosts = config.sentinel.hosts;
    for (RedisAddress& host : hosts) host.tls = server_.tls;
    question_.set_servers(std::move(hosts));
  }

  Result<std::optional<RedisTarget>> advance() override {
    while (!target_) {
      auto answer = question_.advance();
      if (!answer) return tl::unexpected{std::move(answer.error())};
      if (!*answer) return std::nullopt;
      Result<RedisAddress> master = read(*(*answer)->reply, (*answer)->from);
      if (!master && ++clueless_ < sentinels_) continue;
      clueless_ = 0;
      if (!master) return tl::unexpected{std::move(master.error())};
      target_ = RedisTarget{std::move(*master)};
    }
    return target_;
  }

  void forget() override { target_.reset(); }

  bool redirects(std::string_view error) override {
    if (!error.starts_with("READONLY")) return false;
    forget();
    return true;
  }

 private:
  [[nodiscard]] Result<RedisAddress> read(const redisReply& reply, const RedisAddress& from) const {
    const std::string who = "sentinel " + from.to_host_and_port();
    if (reply.type == REDIS_REPLY_ERROR) {
      return fail(std::errc::protocol_error, who + ": " + std::string{to_text(reply)});
    }
    if (reply.type != REDIS_REPLY_ARRAY || reply.elements != 2) {
      return fail(std::errc::address_not_available, who + " knows no master '" + master_ + "'");
    }
    RedisAddress address = server_;
    address.host = to_text(*reply.element[0]);
    address.socket_path.clear();
    const std::string_view port = to_text(*reply.element[1]);
    const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), address.port);
    if (address.host.empty() || error != std::errc{} || end != port.data() + port.size()) {
      return fail(std::errc::protocol_error, who + " gives no address of '" + master_ + "'");
    }
    return address;
  }

  RedisAddress server_;  // user, database and TLS of the servers
  std::string master_;
  std::size_t sentinels_;
  RedisQuestion question_;
  std::size_t clueless_ = 0;  // sentinels that answered and did not know, one after another
  std::optional<RedisTarget> target_;
};

}  // namespace

std::unique_ptr<RedisLocator> make_sentinel_locator(const RedisConfig& config,
                                                    const RedisAccess& access) {
  return std::make_unique<SentinelLocator>(config, access);
}

}  // namespace valinor::exporter
