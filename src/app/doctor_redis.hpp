/// Asks a Redis server what `doctor` wants to know of it. Writes nothing.
#pragma once

#include "doctor/facts.hpp"
#include "exporter/config.hpp"

namespace valinor::app {

/// Takes at most the configured times to connect and to answer.
[[nodiscard]] doctor::RedisFacts ask_redis(const exporter::RedisConfig& config);

}  // namespace valinor::app
