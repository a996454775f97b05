#include "exporter/zset_restore.hpp"

#include <chrono>
#include <cstdint>
#include <string>

#include "exporter/resp.hpp"

namespace valinor::exporter {

Result<void> restore_zset(RedisDialog& dialog, std::string_view key, RdbZset& zset, bool replace) {
  bool begun = false;
  const auto more = [&](std::string& out) {
    if (!begun) resp::begin_command(out, {"RESTORE", key, "0"}, zset.payload_bytes(), replace);
    begun = true;
    if (zset.append_piece(out)) return true;
    out.append("\r\n");
    if (replace) resp::append_word(out, "REPLACE");
    return false;
  };
  // Ten times as long as it takes.
  const auto patience = std::chrono::seconds{10} +
                        std::chrono::microseconds{5 * static_cast<std::int64_t>(zset.members())};
  const Result<RedisReply> reply =
      dialog.ask_in_pieces(more, std::chrono::ceil<std::chrono::milliseconds>(patience));
  if (!reply) return tl::unexpected{reply.error()};
  if ((*reply)->type != REDIS_REPLY_ERROR) return {};
  return fail(std::errc::protocol_error, "RESTORE: " + std::string{to_text(**reply)});
}

}  // namespace valinor::exporter
