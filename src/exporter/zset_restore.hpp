/// Puts a whole sorted set into Redis by one RESTORE.
#pragma once

#include <string_view>

#include "base/result.hpp"
#include "exporter/rdb_zset.hpp"
#include "exporter/redis_dialog.hpp"

namespace valinor::exporter {

/// `zset` has at most kMostRdbRows, and is written up after it. The server answers nobody else
/// while it loads it, some 0.3 s for a million members. `replace`: what the key holds now goes with
/// it. Error: nothing is stored (as a rule: an answer may be lost); `doing` says what the server
/// said.
[[nodiscard]] Result<void> restore_zset(RedisDialog& dialog, std::string_view key, RdbZset& zset,
                                        bool replace);

}  // namespace valinor::exporter
