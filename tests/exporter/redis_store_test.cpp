/// RedisStore by itself, against a real server.
#include "redis_store_fixture.hpp"

namespace valinor::exporter {
namespace {

using std::chrono::milliseconds;
using test::RedisStoreTest;
using valinor::test::RedisServer;

TEST_F(RedisStoreTest, WhatIsReadBackIsWhatWasSent) {
  for (const auto listen : {RedisServer::Listen::unix_socket, RedisServer::Listen::loopback}) {
    RedisServer server{listen};
    server.start();
    RedisStore store{config_for(server), 7};
    EXPECT_EQ(outcome_of(store, batch_of(store, 1'000'000'123, 1)).kind, Outcome::Kind::stored);
    EXPECT_EQ(
        server.command({"ZRANGE", "7", "0", "-1", "WITHSCORES"}),
        (std::vector<std::string>{
            "000000003b9aca7b000012340000162e009aa09119860a0000010a00000213890050", "1000000123"}));
    EXPECT_EQ(server.command({"KEYS", "*"}), std::vector<std::string>{"7"});
  }
}

TEST_F(RedisStoreTest, WritesToTheDatabaseOfItsAddress) {
  RedisServer server;
  server.start();
  RedisConfig config = config_for(server);
  config.address.database = 3;
  RedisStore store{config, 0};
  EXPECT_EQ(outcome_of(store, batch_of(store, 1, 10)).kind, Outcome::Kind::stored);
  EXPECT_EQ(server.command({"DBSIZE"}), std::vector<std::string>{"0"});
  EXPECT_NE(server.command({"INFO", "keyspace"})[0].find("db3:keys=1"), std::string::npos);
  EXPECT_NE(server.command({"CLIENT", "LIST"})[0].find("name=valinor-afxdp:"), std::string::npos);
}

TEST_F(RedisStoreTest, EqualRecordsCollapseAndAreCounted) {
  RedisServer server;
  server.start();
  RedisStore store{config_for(server), 0};
  EXPECT_EQ(outcome_of(store, batch_of(store, 0, 100)).collapsed, 0u);
  EXPECT_EQ(outcome_of(store, batch_of(store, 90, 100)).collapsed, 10u);
}

/// The answer to a batch that was stored before the link went is 0, although none of its records
/// is a duplicate.
TEST_F(RedisStoreTest, ASecondSendingIsNoDuplicate) {
  RedisServer server;
  server.start();
  RedisStore store{config_for(server), 0};
  Batch batch = batch_of(store, 0, 100);
  (void)outcome_of(store, batch);
  batch.maybe_stored = true;
  const Outcome again = outcome_of(store, batch);
  EXPECT_EQ(again.collapsed, 0u);
  EXPECT_EQ(again.unsure, 100u);

  // This one had not been stored, and 50 of its records are true duplicates.
  Batch other = batch_of(store, 50, 100);
  other.maybe_stored = true;
  const Outcome first = outcome_of(store, other);
  EXPECT_EQ(first.collapsed, 50u);
  EXPECT_EQ(first.unsure, 0u);
}

TEST_F(RedisStoreTest, AKeyOfAnotherTypeRefusesUntilItIsGone) {
  RedisServer server;
  server.start();
  server.command({"SET", "0", "not a sorted set"});
  RedisStore store{config_for(server), 0};
  const Batch batch = batch_of(store, 0, 10);
  EXPECT_EQ(outcome_of(store, batch).kind, Outcome::Kind::refused);
  EXPECT_TRUE(store.trouble().starts_with("refuses: WRONGTYPE")) << store.trouble();
  EXPECT_EQ(store.max_in_flight(), 1u);
  server.command({"DEL", "0"});
  EXPECT_EQ(outcome_of(store, batch).kind, Outcome::Kind::stored);
  EXPECT_EQ(store.trouble(), "");
  EXPECT_EQ(store.max_in_flight(), 16u);
}

TEST_F(RedisStoreTest, AFullServerRefusesOnTheSameConnection) {
  RedisServer server;
  server.start();
  RedisStore store{config_for(server), 0};
  (void)outcome_of(store, batch_of(store, 0, 1));
  server.command({"CONFIG", "SET", "maxmemory", "1"});
  const Batch batch = batch_of(store, 1, 10);
  EXPECT_EQ(outcome_of(store, batch).kind, Outcome::Kind::refused);
  EXPECT_TRUE(store.trouble().starts_with("refuses: OOM")) << store.trouble();
  server.command({"CONFIG", "SET", "maxmemory", "0"});
  EXPECT_EQ(outcome_of(store, batch).kind, Outcome::Kind::stored);
}

TEST_F(RedisStoreTest, ACommandThatRedisDoesNotKnowIsRejected) {
  RedisServer server{RedisServer::Listen::unix_socket, {"--rename-command", "ZADD", ""}};
  server.start();
  RedisStore store{config_for(server), 0};
  const Outcome outcome = outcome_of(store, batch_of(store, 0, 10));
  EXPECT_EQ(outcome.kind, Outcome::Kind::rejected);
  EXPECT_TRUE(outcome.reason.starts_with("ERR unknown command")) << outcome.reason;
}

TEST_F(RedisStoreTest, AMissingDatabaseIsTrouble) {
  RedisServer server{RedisServer::Listen::unix_socket, {"--databases", "2"}};
  server.start();
  RedisConfig config = config_for(server);
  config.address.database = 2;
  RedisStore store{config, 0};
  EXPECT_TRUE(test::eventually([&] { return !store.ready() && !store.trouble().empty(); }));
  EXPECT_NE(store.trouble().find("SELECT 2: ERR DB index"), std::string::npos) << store.trouble();
}

TEST_F(RedisStoreTest, APasswordThatWeDoNotHaveIsTrouble) {
  RedisServer server{RedisServer::Listen::unix_socket, {"--requirepass", "secret"}};
  server.start();
  RedisStore store{config_for(server), 0};
  EXPECT_TRUE(test::eventually([&] { return !store.ready() && !store.trouble().empty(); }));
  EXPECT_NE(store.trouble().find("NOAUTH"), std::string::npos) << store.trouble();
}

TEST_F(RedisStoreTest, NoticesThatAnIdleConnectionWent) {
  RedisServer server;
  server.start();
  RedisStore store{config_for(server), 0};
  ASSERT_TRUE(test::eventually([&] { return store.ready(); }));
  server.crash();
  EXPECT_TRUE(test::eventually([&] { return !store.ready(); }));
  EXPECT_TRUE(store.trouble().starts_with("lost: ECONN")) << store.trouble();
  server.start();
  EXPECT_TRUE(test::eventually([&] { return store.ready(); })) << store.trouble();
  EXPECT_EQ(store.trouble(), "");
}

TEST_F(RedisStoreTest, HurryEndsTheWaitForTheNextAttempt) {
  RedisServer server;  // not there yet
  RedisConfig config = config_for(server);
  config.backoff_initial = config.backoff_max = std::chrono::hours{24};
  RedisStore store{config, 0};
  EXPECT_FALSE(store.ready());
  EXPECT_TRUE(store.trouble().starts_with("cannot be reached: ENOENT")) << store.trouble();
  server.start();
  EXPECT_FALSE(store.ready());
  store.hurry();
  EXPECT_TRUE(test::eventually([&] { return store.ready(); })) << store.trouble();
}

TEST_F(RedisStoreTest, SilenceIsALostLink) {
  RedisServer server;
  server.start();
  RedisConfig config = config_for(server);
  config.command_timeout = milliseconds{200};
  RedisStore store{config, 0};
  (void)outcome_of(store, batch_of(store, 0, 1));
  server.pause();
  const Outcome outcome = outcome_of(store, batch_of(store, 1, 10));
  EXPECT_EQ(outcome.kind, Outcome::Kind::lost_link);
  EXPECT_EQ(outcome.reason, "lost: ETIMEDOUT (no answer to ZADD)");
  server.resume();
}

TEST_F(RedisStoreTest, TriesEveryAddressOfAHost) {
  RedisServer server{RedisServer::Listen::loopback};
  server.start();
  RedisConfig config = config_for(server);
  config.address.host = "localhost";  // often ::1 first, where nobody listens
  RedisStore store{config, 0};
  EXPECT_EQ(outcome_of(store, batch_of(store, 0, 1)).kind, Outcome::Kind::stored);
}

}  // namespace
}  // namespace valinor::exporter
