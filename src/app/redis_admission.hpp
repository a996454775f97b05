/// A run asks its Redis servers before it begins.
#pragma once

#include "app/config.hpp"
#include "exporter/redis_access.hpp"
#include "exporter/redis_examination.hpp"

namespace valinor::app {

/// What the configuration says of the records to come.
[[nodiscard]] exporter::ExpectedLoad expected_load(const Config& config);

/// How long servers that are silent hold up a start.
[[nodiscard]] exporter::Until start_patience(const exporter::RedisConfig& redis);

/// What it takes to be let in, where records go to any. Throws what read_access() does.
[[nodiscard]] exporter::RedisAccess access_for(const exporter::RedisConfig& redis);

/// What the servers say, where records go to any. Throws Failure, with exit status host_not_ready,
/// for the first reason that the run must not begin; further ones are printed. One that is away is
/// none: records wait for it.
[[nodiscard]] exporter::Examination admit_run(const Config& config,
                                              const exporter::RedisAccess& access);

/// Deletes what is under the key, where the configuration says so. After all that may fail: it
/// cannot be undone. Throws Failure (REDIS-CLEAR-01).
void overwrite_if_asked(const exporter::ExporterConfig& config,
                        const exporter::RedisAccess& access);

}  // namespace valinor::app
