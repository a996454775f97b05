/// What Redis answers, and what its errors mean for a batch of records.
#pragma once

#include <hiredis/hiredis.h>

#include <memory>
#include <string_view>

namespace valinor::exporter {

struct FreeRedisReply {
  void operator()(redisReply* reply) const noexcept { freeReplyObject(reply); }
};
using RedisReply = std::unique_ptr<redisReply, FreeRedisReply>;

/// An answer's text, for strings, states and errors.
[[nodiscard]] std::string_view to_text(const redisReply& reply) noexcept;

enum class RefusalKind {
  temporary,          // passes by itself: LOADING, BUSY, OOM, ...
  by_operator,        // passes when somebody changes the server or the key: WRONGTYPE, NOPERM, ...
  about_the_command,  // the same bytes will never be taken: everything else
};

/// Judges an error by its first word.
[[nodiscard]] RefusalKind judge_error(std::string_view error) noexcept;

}  // namespace valinor::exporter
