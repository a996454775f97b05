/// A way of getting records into Redis, and what it costs.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "exporter/config.hpp"
#include "telemetry/record.hpp"

namespace valinor::bench {

/// Record number `n` of every round: all of them differ, in 4096 flows.
[[nodiscard]] telemetry::PacketRecord make_record(std::uint64_t n);

struct Work {
  exporter::RedisAddress server;  // its UNIX socket
  std::uint16_t port = 0;         // the same server on 127.0.0.1
  std::size_t records = 0;
  std::string program;   // valinor-afxdp
  std::string npy_file;  // the same records
};

/// Of one round. CPU is that of the client's threads, and counts only what moves the records.
struct Cost {
  std::chrono::nanoseconds time{};
  std::chrono::nanoseconds cpu{};
};

struct Way {
  std::string name;
  Cost (*store)(const Work&);
  bool is_stream = false;
};

/// As valinor-c stores them: redisAppendCommand() of a text ZADD with `pairs` pairs, so many
/// commands under way, then redisGetReply() for each. It connects to 127.0.0.1 and cannot do
/// otherwise.
[[nodiscard]] Cost store_as_valinor_c(const Work& work, std::size_t pairs, bool by_tcp);

/// Ours: record ring, Exporter, store. The ring is filled beforehand.
[[nodiscard]] Cost store_zset(const Work& work);
[[nodiscard]] Cost store_stream(const Work& work);

/// Ours: the whole program, `export --from FILE.npy --to zset`, its start included.
[[nodiscard]] Cost export_to_zset(const Work& work);

}  // namespace valinor::bench
