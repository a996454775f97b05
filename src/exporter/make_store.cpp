#include "exporter/make_store.hpp"

#include "exporter/null_store.hpp"
#include "exporter/redis_store.hpp"

namespace valinor::exporter {

std::unique_ptr<RecordStore> make_store(const ExporterConfig& config) {
  if (!config.redis.enabled) return std::make_unique<NullStore>();
  return std::make_unique<RedisStore>(config.redis, config.key, config.record_time);
}

}  // namespace valinor::exporter
