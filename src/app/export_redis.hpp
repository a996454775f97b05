/// Records into a sorted set or a stream, afterwards.
///
///   a sorted set whose key is free   rows are kept, sorted, and stored by one RESTORE
///   all else                         ring -> Exporter -> ZADD or XADD, as a run does it
///
/// What exceeds the memory (export.buffer.memory) or a RESTORE goes by ZADD, and so does all where
/// the server refuses RESTORE.
#pragma once

#include <memory>
#include <string>

#include "app/events.hpp"
#include "exporter/config.hpp"
#include "exporter/record_target.hpp"

namespace valinor::app {

/// Thrown by RecordTarget::write() and finish() when a signal came while they waited for Redis.
struct Interrupted {
  std::string signal;
};

/// `config` names servers, run and form. Throws Failure: EXPORT-WRITE-03 where a server cannot be
/// reached or refuses, EXPORT-KEY-02 where the key holds something that is in the way.
[[nodiscard]] std::unique_ptr<exporter::RecordTarget> open_redis_target(
    const exporter::ExporterConfig& config, bool overwrite, Signals& signals);

}  // namespace valinor::app
