/// What a start makes of what a server says.
#include <gtest/gtest.h>

#include <algorithm>

#include "exporter/redis_examination.hpp"

namespace valinor::exporter {
namespace {

RedisFacts healthy() {
  return {.server = "redis://r:6379/0",
          .version = "7.0.15",
          .role = "master",
          .eviction = "noeviction",
          .memory_limit = 0,
          .memory_used = 1 << 20,
          .key = "0",
          .key_type = "none",
          .records = 0};
}

class RedisJudge : public testing::Test {
 protected:
  Examination seen() const { return judge(facts, config, circumstances); }

  static std::vector<std::string> codes(const std::vector<Finding>& findings) {
    std::vector<std::string> all;
    for (const Finding& one : findings) all.push_back(one.code);
    return all;
  }
  void expect_error(const std::string& code) const {
    EXPECT_EQ(codes(seen().errors), std::vector{code});
    EXPECT_TRUE(seen().warnings.empty());
  }
  void expect_warning(const std::string& code) const {
    EXPECT_EQ(codes(seen().warnings), std::vector{code});
    EXPECT_TRUE(seen().errors.empty());
  }
  void expect_nothing() const {
    EXPECT_EQ(codes(seen().errors), std::vector<std::string>{});
    EXPECT_EQ(codes(seen().warnings), std::vector<std::string>{});
  }

  RedisFacts facts = healthy();
  ExporterConfig config;
  Circumstances circumstances;
};

TEST_F(RedisJudge, AHealthyServer) {
  expect_nothing();
  ASSERT_EQ(seen().lines.size(), 2u);
  EXPECT_EQ(seen().lines[0], "redis://r:6379/0: Redis 7.0.15, noeviction; key 0 is new");
  EXPECT_EQ(seen().lines[1], "a record takes about 186 bytes; 1 MiB in use, no maxmemory");
}

TEST_F(RedisJudge, AServerThatIsAwayIsNeitherGoodNorBad) {
  facts = {.server = "redis://r:6379/0", .away = "connect: ECONNREFUSED"};
  expect_nothing();
  EXPECT_EQ(seen().away, "redis://r:6379/0: connect: ECONNREFUSED");
}

TEST_F(RedisJudge, VersionsAreNumbersNotText) {
  facts.version = "2.6.17";
  expect_error("REDIS-VERSION-01");
  facts.version = "2.10.1";
  expect_nothing();
  config.on_existing = OnExisting::overwrite;
  expect_error("REDIS-VERSION-01");
  facts.version = "4.0.0";
  expect_nothing();
  facts.version = "10.0";
  expect_nothing();
}

TEST_F(RedisJudge, AReplicaUnlessSomebodyKnowsTheMaster) {
  facts.role = "slave";
  facts.master = "10.0.0.1:6379";
  expect_error("REDIS-ROLE-01");
  EXPECT_NE(seen().errors[0].next.find("redis://10.0.0.1:6379/0"), std::string::npos);
  config.redis.sentinel.master = "mymaster";
  expect_nothing();
}

TEST_F(RedisJudge, EvictionMattersWhereThereIsALimit) {
  facts.eviction = "allkeys-lru";
  expect_nothing();
  facts.memory_limit = std::uint64_t{1} << 30;
  expect_error("REDIS-EVICT-01");
  config.redis.require_noeviction = false;
  expect_warning("REDIS-EVICT-01");
  config.redis.require_noeviction = true;
  facts.eviction = "volatile-ttl";  // a run has no expiry
  expect_warning("REDIS-EVICT-01");
}

TEST_F(RedisJudge, AKeyThatHoldsARun) {
  facts.key_type = "zset";
  facts.records = 1'234;
  expect_error("REDIS-RUN-01");
  EXPECT_NE(seen().errors[0].why.find("1,234 records"), std::string::npos);
  EXPECT_TRUE(seen().lines[0].ends_with("holds 1,234 records")) << seen().lines[0];
  circumstances.waiting_on_disk = 10;  // the rest of it
  expect_nothing();
  EXPECT_TRUE(seen().lines[0].ends_with("more come on top")) << seen().lines[0];
  circumstances.waiting_on_disk = 0;
  circumstances.moment = Moment::under_way;  // its own
  expect_nothing();
  circumstances.moment = Moment::start;
  config.on_existing = OnExisting::append;
  expect_nothing();
  EXPECT_NE(seen().lines[0].find("holds 1,234 records, more come on top"), std::string::npos);
  config.on_existing = OnExisting::overwrite;
  expect_nothing();
  EXPECT_NE(seen().lines[0].find("which are deleted"), std::string::npos);
  circumstances.waiting_on_disk = 10;
  expect_error("REDIS-RUN-02");
}

TEST_F(RedisJudge, AKeyOfAnotherTypeIsNobodysToOverwrite) {
  facts.key_type = "string";
  facts.records.reset();
  for (const auto what : {OnExisting::refuse, OnExisting::append, OnExisting::overwrite}) {
    config.on_existing = what;
    expect_error("REDIS-TYPE-01");
  }
}

TEST_F(RedisJudge, AStreamIsAnotherTypeAndCountsBlocks) {
  config.redis.format = RedisForm::stream;
  facts.wanted_type = facts.key_type = "stream";
  facts.records = 7;
  facts.version = "4.0.14";
  EXPECT_EQ(codes(seen().errors), (std::vector<std::string>{"REDIS-VERSION-01", "REDIS-RUN-01"}));
  EXPECT_NE(seen().errors[1].why.find("7 blocks"), std::string::npos);
  facts.version = "5.0.0";
  facts.key_type = "zset";
  expect_error("REDIS-TYPE-01");
}

/// What the server is like is told once, with the set.
TEST_F(RedisJudge, ASetAndAStreamOfOneRun) {
  config.redis.format = RedisForm::both;
  config.redis.stream_database = 2;
  facts.memory_limit = 411'000'000 + (1 << 20);
  facts.version = "4.0.14";
  expect_error("REDIS-VERSION-01");
  facts.version = "5.0.0";
  expect_nothing();
  EXPECT_EQ(seen().lines[1],
            "a record takes about 186 bytes in the set and about 225 bytes with one hop in the "
            "stream; 391 MiB of 392 MiB are free: 1,000,000 records");
  circumstances.load = {.records_per_second = 10'000, .duration = std::chrono::seconds{101}};
  expect_warning("REDIS-MEMORY-01");
  config.redis.stream_max_records = 900'000;
  expect_nothing();
  facts.wanted_type = facts.key_type = "stream";
  facts.records = 7;
  expect_error("REDIS-RUN-01");
  facts.eviction = "allkeys-lru";
  config.on_existing = OnExisting::append;
  expect_nothing();
  EXPECT_EQ(seen().lines.size(), 1u);
}

TEST_F(RedisJudge, AStreamInTheNotebooksDatabase) {
  config.redis.format = RedisForm::both;
  expect_warning("REDIS-KEYS-01");
  EXPECT_NE(seen().warnings[0].next.find("stream.database"), std::string::npos);
  config.redis.cluster = true;
  expect_nothing();
}

TEST_F(RedisJudge, OtherKeysOfTheDatabase) {
  facts.strangers = 1;
  facts.stranger = "'session' (string)";
  expect_warning("REDIS-KEYS-01");
  EXPECT_NE(
      seen().warnings[0].why.find("one key that is no sorted set, such as 'session' (string)"),
      std::string::npos);
  facts.strangers = 1'000;
  EXPECT_NE(seen().warnings[0].why.find("1,000 keys that are no sorted sets"), std::string::npos);
}

TEST_F(RedisJudge, AUserThatMayAskNothing) {
  facts = {.server = "redis://r:6379/0", .refused = "INFO, TYPE, ZCARD, SCAN", .key = "0"};
  expect_warning("REDIS-RIGHTS-01");
  EXPECT_NE(seen().warnings[0].why.find("whether the key holds a run"), std::string::npos);
  EXPECT_EQ(seen().lines, std::vector<std::string>{"redis://r:6379/0: answers"});
}

TEST_F(RedisJudge, HowMuchFits) {
  facts.memory_limit = 186'000'000 + (1 << 20);
  EXPECT_EQ(seen().lines[1],
            "a record takes about 186 bytes; 177 MiB of 178 MiB are free: 1,000,000 records");
  circumstances.load = {.records_per_second = 10'000};
  EXPECT_NE(seen().lines[1].find(", 100 s at the expected rate"), std::string::npos);
  circumstances.load.duration = std::chrono::seconds{99};
  expect_nothing();
  EXPECT_NE(seen().lines[1].find("; expected: 175 MiB"), std::string::npos) << seen().lines[1];
  circumstances.load.duration = std::chrono::seconds{101};
  expect_warning("REDIS-MEMORY-01");
  facts.memory_limit = 0;
  expect_nothing();
}

TEST_F(RedisJudge, AServerThatIsNearlyFull) {
  facts.memory_limit = 100 << 20;
  facts.memory_used = 95 << 20;
  expect_warning("REDIS-MEMORY-01");
  EXPECT_NE(seen().warnings[0].why.find("95 MiB of 100 MiB"), std::string::npos);
  facts.memory_used = 80 << 20;
  expect_nothing();
}

TEST(RedisInfo, FieldsAreWholeNames) {
  RedisFacts facts;
  read_info(
      "# Memory\r\nused_memory_rss:9\r\nused_memory:7\r\nmaxmemory_human:1K\r\nmaxmemory:1024\r\n"
      "maxmemory_policy:allkeys-lfu\r\n# Replication\r\nrole:slave\r\nmaster_host:10.0.0.1\r\n"
      "master_port:6380\r\n# Server\r\nredis_version:7.0.15",
      facts);
  EXPECT_EQ(facts.memory_used, 7u);
  EXPECT_EQ(facts.memory_limit, 1024u);
  EXPECT_EQ(facts.eviction, "allkeys-lfu");
  EXPECT_EQ(facts.role, "slave");
  EXPECT_EQ(facts.master, "10.0.0.1:6380");
  EXPECT_EQ(facts.version, "7.0.15");
  RedisFacts silent;
  read_info("", silent);
  EXPECT_FALSE(silent.memory_limit);
  EXPECT_EQ(silent.version, "");
}

}  // namespace
}  // namespace valinor::exporter
