/// A sorted set by RESTORE is the one that ZADD makes.
#include "exporter/zset_restore.hpp"

#include <gtest/gtest.h>

#include <random>
#include <string>

#include "exporter/crc64.hpp"
#include "exporter/resp.hpp"
#include "record_samples.hpp"
#include "support/redis_server.hpp"

namespace valinor::exporter {
namespace {

using valinor::test::RedisServer;

std::vector<ValinorRow> make_rows(std::size_t count, std::uint64_t first, std::uint64_t step) {
  std::vector<ValinorRow> rows;
  for (std::size_t i = 0; i < count; ++i) {
    telemetry::PacketRecord record = test::valinor_record(first + i * step);
    record.enqueue = static_cast<std::uint32_t>(i * 7919);
    rows.push_back(to_row(to_entry(record, {})));
  }
  return rows;
}

std::string payload_of(RdbZset zset) {
  std::string payload;
  while (zset.append_piece(payload)) {
  }
  return payload;
}

TEST(Crc64, IsThatOfRedis) {
  const std::string digits = "123456789";
  EXPECT_EQ(crc64::add(0, std::as_bytes(std::span{digits})), 0xe9c6d914c4b8d9caU);
}

TEST(Crc64, DoesNotMindHowBytesAreCut) {
  std::string text(1000, '\0');
  std::mt19937 random{1};
  for (char& c : text) c = static_cast<char>(random());
  const auto bytes = std::as_bytes(std::span{text});
  const std::uint64_t whole = crc64::add(0, bytes);
  for (std::size_t cut = 0; cut <= bytes.size(); cut += 13) {
    EXPECT_EQ(crc64::add(crc64::add(0, bytes.first(cut)), bytes.subspan(cut)), whole);
  }
}

TEST(RdbZset, TellsItsSizeBeforehand) {
  for (const std::size_t count : {1U, 13'000U, 50'000U}) {
    const RdbZset zset{make_rows(count, 1, 1)};
    EXPECT_EQ(payload_of(zset).size(), zset.payload_bytes());
  }
}

class ZsetRestoreTest : public testing::Test {
 protected:
  void SetUp() override {
    if (!valinor::test::has_redis_server()) GTEST_SKIP() << "redis-server is not installed";
    server.start();
    config.address = server.address();
  }

  [[nodiscard]] RedisDialog dialog() const { return {config, {}, "0", "test"}; }

  /// Stores the rows as a run does.
  void add(const std::string& key, const std::vector<ValinorRow>& rows) {
    Batch batch;
    for (const ValinorRow& row : rows) batch.rows.insert(batch.rows.end(), row.begin(), row.end());
    std::string command;
    resp::append_zadd(command, key, batch.rows);
    RedisDialog to = dialog();
    const auto more = [&](std::string& out) {
      out.append(command);
      return false;
    };
    ASSERT_EQ((*to.ask_in_pieces(more, std::chrono::seconds{30}))->type, REDIS_REPLY_INTEGER);
  }

  [[nodiscard]] std::vector<std::string> read(const std::string& key) const {
    return server.command({"ZRANGE", key, "0", "-1", "WITHSCORES"});
  }

  // Without compression DUMP is byte by byte what we write.
  RedisServer server{RedisServer::Listen::unix_socket, {"--rdbcompression", "no"}};
  RedisConfig config;
};

/// Small sets too, times since 1970, which are rounded, and rows in any order and twice.
TEST_F(ZsetRestoreTest, TheSetIsTheOneThatZaddMakes) {
  std::mt19937 random{7};
  for (const std::uint64_t first : {std::uint64_t{5}, std::uint64_t{1'700'000'000'000'000'123}}) {
    for (const std::size_t count : {1U, 100U, 30'000U}) {
      std::vector<ValinorRow> rows = make_rows(count, first, 3);
      rows.push_back(rows.front());
      std::shuffle(rows.begin(), rows.end(), random);
      server.command({"FLUSHALL"});
      add("added", rows);
      RdbZset zset{rows};
      EXPECT_EQ(zset.duplicates(), 1u);
      RedisDialog to = dialog();
      const Result<void> done = restore_zset(to, "0", zset, false);
      ASSERT_TRUE(done) << done.error().doing;
      EXPECT_EQ(read("0"), read("added"));
      EXPECT_EQ(server.command({"OBJECT", "ENCODING", "0"}),
                server.command({"OBJECT", "ENCODING", "added"}));
    }
  }
}

/// But for the way in which the count is written, the version and the checksum.
TEST_F(ZsetRestoreTest, ThePayloadIsThatOfDump) {
  const std::vector<ValinorRow> rows = make_rows(1000, 1'700'000'000'000'000'000, 100);
  add("added", rows);
  const std::string dump = server.command({"DUMP", "added"}).front();
  const std::string ours = payload_of(RdbZset{rows});
  EXPECT_EQ(dump[0], ours[0]);
  constexpr std::size_t kTheirHead = 3;  // type, count of 14 bits
  constexpr std::size_t kOurHead = 10;
  constexpr std::size_t kTail = 10;
  EXPECT_EQ(dump.substr(kTheirHead, dump.size() - kTheirHead - kTail),
            ours.substr(kOurHead, ours.size() - kOurHead - kTail));
}

TEST_F(ZsetRestoreTest, AKeyThatIsThereStaysUnlessItIsToBeReplaced) {
  server.command({"SET", "0", "something"});
  RdbZset zset{make_rows(10, 1, 1)};
  RedisDialog to = dialog();
  const Result<void> refused = restore_zset(to, "0", zset, false);
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().doing.find("BUSYKEY"), std::string::npos) << refused.error().doing;
  EXPECT_EQ(server.command({"GET", "0"}), std::vector<std::string>{"something"});
  RdbZset again{zset.rows()};
  EXPECT_TRUE(restore_zset(to, "0", again, true));
  EXPECT_EQ(server.command({"ZCARD", "0"}), std::vector<std::string>{"10"});
}

TEST_F(ZsetRestoreTest, AServerWithoutRestoreSaysSo) {
  server.command({"ACL", "SETUSER", "default", "-restore"});
  RdbZset zset{make_rows(10, 1, 1)};
  RedisDialog to = dialog();
  const Result<void> refused = restore_zset(to, "0", zset, false);
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().doing.find("NOPERM"), std::string::npos) << refused.error().doing;
}

TEST(RedisDialog, AServerThatIsAwayIsAnError) {
  RedisConfig config;
  config.address = *parse_redis_url("redis://127.0.0.1:1");
  RedisDialog to{config, {}, "0", "test"};
  EXPECT_FALSE(to.ask({"PING"}));
}

}  // namespace
}  // namespace valinor::exporter
