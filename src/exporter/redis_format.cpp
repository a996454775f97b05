#include "exporter/redis_format.hpp"

namespace valinor::exporter {

std::string to_redis_key(const RedisConfig& config, std::uint32_t run) {
  const bool is_stream = config.format == RedisForm::stream;
  return std::to_string(run) + (is_stream ? ":stream" : "") + config.key_suffix;
}

std::unique_ptr<RedisFormat> make_redis_format(const RedisConfig& config, std::uint32_t run,
                                               RecordTime record_time) {
  if (config.format == RedisForm::stream) return make_stream_format(config, run);
  return make_zset_format(to_redis_key(config, run), config.score, record_time);
}

}  // namespace valinor::exporter
