#include <hiredis/hiredis.h>
#include <time.h>

#include <algorithm>
#include <cinttypes>
#include <cstdio>
#include <memory>
#include <stdexcept>

#include "exporter/valinor_entry.hpp"
#include "way.hpp"

namespace valinor::bench {
namespace {

/// Commands appended before their replies are read, as valinor-c's bursts of packets make them.
constexpr std::size_t kDepth = 16;

struct CloseContext {
  void operator()(redisContext* context) const noexcept { redisFree(context); }
};

std::chrono::nanoseconds thread_cpu() {
  timespec now{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return std::chrono::seconds{now.tv_sec} + std::chrono::nanoseconds{now.tv_nsec};
}

/// One pair in the text that valinor-c prints: decimal score, member field by field.
int print_pair(char* out, std::size_t room, const exporter::ValinorEntry& entry) {
  return std::snprintf(out, room, " %" PRIu64 " %016" PRIx64 "%08x%08x%04x%08x%08x%08x%04x%04x",
                       entry.timestamp_ns, entry.timestamp_ns, entry.enqueue,
                       entry.enqueue_delta_ns, entry.packet_length, entry.connection_key,
                       entry.source, entry.destination, entry.source_port, entry.destination_port);
}

void read_replies(redisContext& context, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) {
    void* reply = nullptr;
    if (redisGetReply(&context, &reply) != REDIS_OK) throw std::runtime_error{context.errstr};
    const bool fine = static_cast<redisReply*>(reply)->type == REDIS_REPLY_INTEGER;
    freeReplyObject(reply);
    if (!fine) throw std::runtime_error{"ZADD was refused"};
  }
}

}  // namespace

Cost store_as_valinor_c(const Work& work, std::size_t pairs, bool by_tcp) {
  const std::unique_ptr<redisContext, CloseContext> context{
      by_tcp ? redisConnect("127.0.0.1", work.port)
             : redisConnectUnix(work.server.socket_path.c_str())};
  if (!context || context->err != 0) throw std::runtime_error{"no connection"};
  std::vector<telemetry::PacketRecord> records;  // made beforehand, as ours are
  for (std::size_t n = 0; n < work.records; ++n) records.push_back(make_record(n));
  std::vector<char> command(128 * (pairs + 1));
  std::size_t waiting = 0;
  const auto start = std::chrono::steady_clock::now();
  const auto cpu = thread_cpu();
  for (std::size_t first = 0; first < records.size(); first += pairs) {
    std::size_t used = 0;
    const auto left = [&] { return command.size() - used; };
    used += static_cast<std::size_t>(std::snprintf(command.data(), left(), "ZADD 0"));
    for (std::size_t n = first; n < std::min(first + pairs, records.size()); ++n) {
      const auto entry = exporter::to_entry(records[n], {});
      used += static_cast<std::size_t>(print_pair(command.data() + used, left(), entry));
    }
    redisAppendCommand(context.get(), command.data());
    if (++waiting < kDepth) continue;
    read_replies(*context, waiting);
    waiting = 0;
  }
  read_replies(*context, waiting);
  return {.time = std::chrono::steady_clock::now() - start, .cpu = thread_cpu() - cpu};
}

}  // namespace valinor::bench
