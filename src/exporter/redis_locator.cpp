#include "exporter/redis_locator.hpp"

namespace valinor::exporter {
namespace {

class FixedLocator final : public RedisLocator {
 public:
  explicit FixedLocator(RedisAddress address) : target_{std::move(address)} {}
  Result<std::optional<RedisTarget>> advance() override { return target_; }
  void forget() override {}
  bool redirects(std::string_view) override { return false; }

 private:
  RedisTarget target_;
};

}  // namespace

std::unique_ptr<RedisLocator> make_locator(const RedisConfig& config, const RedisAccess& access,
                                           std::string_view key) {
  if (config.cluster) return make_cluster_locator(config, access, key);
  if (!config.sentinel.master.empty()) return make_sentinel_locator(config, access);
  return std::make_unique<FixedLocator>(config.address);
}

}  // namespace valinor::exporter
