/// What is in a stream, for the exporter's tests.
#pragma once

#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <vector>

#include "exporter/record_file.hpp"
#include "support/redis_server.hpp"

namespace valinor::exporter::test {

/// The block of each entry, without its RecordFileHeader, in the stream's order.
inline std::vector<std::string> blocks_in_stream(const valinor::test::RedisServer& server,
                                                 const std::string& key) {
  std::vector<std::string> blocks;
  const std::vector<std::string> words = server.command({"XRANGE", key, "-", "+"});
  for (std::size_t i = 4; i < words.size(); i += 5) {  // id, "v", "1", "r", block
    blocks.push_back(words[i].substr(sizeof(RecordFileHeader)));
  }
  return blocks;
}

/// The switch's times of all records, in the stream's order.
inline std::vector<std::uint64_t> times_in_stream(const valinor::test::RedisServer& server,
                                                  const std::string& key) {
  std::vector<std::uint64_t> times;
  for (const std::string& block : blocks_in_stream(server, key)) {
    for_each_record(std::as_bytes(std::span{block}), [&](const telemetry::RecordView& record) {
      times.push_back(static_cast<std::uint64_t>(record.packet.switch_time.since_epoch.count()));
    });
  }
  return times;
}

}  // namespace valinor::exporter::test
