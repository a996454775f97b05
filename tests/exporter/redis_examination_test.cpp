/// Examinations of real servers.
#include <cstdlib>
#include <filesystem>

#include "exporter/redis_examination.hpp"
#include "exporter/spill_folder.hpp"
#include "redis_store_fixture.hpp"

namespace valinor::exporter {
namespace {

using valinor::test::RedisServer;

class RedisExaminationTest : public test::RedisStoreTest {
 protected:
  void SetUp() override {
    test::RedisStoreTest::SetUp();
    std::string pattern =
        (std::filesystem::temp_directory_path() / "valinor-examine-XXXXXX").string();
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
  }
  void TearDown() override {
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }

  ExporterConfig config_of(const RedisServer& server) const {
    ExporterConfig config;
    config.redis = config_for(server);
    config.spill.folder = folder_.string();
    return config;
  }
  static Until soon() {
    return {.deadline = RedisConnection::Clock::now() + std::chrono::seconds{30}};
  }
  static Examination examined(const ExporterConfig& config) {
    return examine(config, read_access(config.redis), {}, Moment::start, soon());
  }
  static std::vector<std::string> codes(const std::vector<Finding>& findings) {
    std::vector<std::string> all;
    for (const Finding& one : findings) all.push_back(one.code);
    return all;
  }
  void store_some(const ExporterConfig& config) const {
    RedisStore store{config.redis, config.key};
    EXPECT_EQ(outcome_of(store, batch_of(store, 0, 10)).kind, Outcome::Kind::stored);
  }
  /// As a run that crashed leaves it.
  void leave_on_disk(const ExporterConfig& config, std::uint32_t key) const {
    RedisStore store{config.redis, key};
    auto file = SpillFile::create(folder_ / "000.spill", {store.name(), key}, 1 << 20);
    ASSERT_TRUE(file);
    ASSERT_TRUE(file->append(batch_of(store, 100, 5)));
  }

  std::filesystem::path folder_;
};

using Codes = std::vector<std::string>;

TEST_F(RedisExaminationTest, AFreshServer) {
  RedisServer server;
  server.start();
  const Examination seen = examined(config_of(server));
  EXPECT_EQ(codes(seen.errors), Codes{});
  EXPECT_EQ(codes(seen.warnings), Codes{});
  EXPECT_EQ(seen.away, "");
  EXPECT_NE(seen.lines.at(0).find("noeviction; key 0 is new"), std::string::npos) << seen.lines[0];
}

TEST_F(RedisExaminationTest, ARunThatIsThere) {
  RedisServer server;
  server.start();
  ExporterConfig config = config_of(server);
  config.key = 3;
  store_some(config);
  EXPECT_EQ(codes(examined(config).errors), Codes{"REDIS-RUN-01"});
  config.key = 4;
  EXPECT_EQ(codes(examined(config).errors), Codes{});
}

/// What a crash left on disk is stored by the next run of its key, which cannot be another run
/// then.
TEST_F(RedisExaminationTest, ARunWhoseRestWaitsOnDisk) {
  RedisServer server;
  server.start();
  ExporterConfig config = config_of(server);
  store_some(config);
  leave_on_disk(config, 1);  // another key's
  EXPECT_EQ(codes(examined(config).errors), Codes{"REDIS-RUN-01"});
  leave_on_disk(config, 0);
  EXPECT_EQ(codes(examined(config).errors), Codes{});
  config.on_existing = OnExisting::overwrite;
  EXPECT_EQ(codes(examined(config).errors), Codes{"REDIS-RUN-02"});
  EXPECT_EQ(count_spilled(config.spill, {store_name(config.redis), 0}), 5u);
  config.when_full = WhenFull::lose;  // nothing is read from disk
  EXPECT_EQ(codes(examined(config).errors), Codes{});
}

TEST_F(RedisExaminationTest, AnotherTypeAndStrangers) {
  RedisServer server;
  server.start();
  server.command({"HSET", "0", "a", "b"});
  server.command({"SET", "bell\a", "1"});
  const Examination seen = examined(config_of(server));
  EXPECT_EQ(codes(seen.errors), Codes{"REDIS-TYPE-01"});
  EXPECT_NE(seen.errors[0].what.find("a hash"), std::string::npos);
  ASSERT_EQ(codes(seen.warnings), Codes{"REDIS-KEYS-01"});
  EXPECT_NE(seen.warnings[0].why.find("2 keys"), std::string::npos);
  EXPECT_EQ(seen.warnings[0].why.find('\a'), std::string::npos);
}

TEST_F(RedisExaminationTest, AServerThatEvictsAndIsFull) {
  RedisServer server{RedisServer::Listen::unix_socket,
                     {"--maxmemory", "1mb", "--maxmemory-policy", "allkeys-lru"}};
  server.start();
  const Examination seen = examined(config_of(server));
  EXPECT_EQ(codes(seen.errors), Codes{"REDIS-EVICT-01"});
  EXPECT_EQ(codes(seen.warnings), Codes{"REDIS-MEMORY-01"});
}

TEST_F(RedisExaminationTest, AReplicaNamesItsMaster) {
  const std::string port = std::to_string(valinor::test::find_free_port());  // nobody is there
  RedisServer replica{RedisServer::Listen::unix_socket, {"--replicaof", "127.0.0.1 " + port}};
  replica.start();
  const Examination seen = examined(config_of(replica));
  ASSERT_EQ(codes(seen.errors), Codes{"REDIS-ROLE-01"});
  EXPECT_NE(seen.errors[0].why.find("127.0.0.1:" + port), std::string::npos);
}

TEST_F(RedisExaminationTest, RightsThatAreMissingAreAWarning) {
  RedisServer server{RedisServer::Listen::unix_socket,
                     {"--user", "writer", "on", "nopass", "~0", "+zadd", "+ping"}};
  server.start();
  ExporterConfig config = config_of(server);
  config.redis.username = "writer";
  const Examination seen = examined(config);
  EXPECT_EQ(codes(seen.errors), Codes{});
  ASSERT_EQ(codes(seen.warnings), Codes{"REDIS-RIGHTS-01"});
  EXPECT_NE(seen.warnings[0].why.find("INFO, TYPE, ZCARD, SCAN"), std::string::npos);
}

TEST_F(RedisExaminationTest, AServerThatIsAwayRefusesOverwritingOnly) {
  const RedisServer server;  // never started
  ExporterConfig config = config_of(server);
  EXPECT_EQ(codes(examined(config).errors), Codes{});
  EXPECT_NE(examined(config).away, "");
  config.on_existing = OnExisting::overwrite;
  EXPECT_EQ(codes(examined(config).errors), Codes{"REDIS-AWAY-01"});
}

TEST_F(RedisExaminationTest, AServerThatHangsTakesNoLongerThanItMay) {
  RedisServer server;
  server.start();
  server.pause();
  const ExporterConfig config = config_of(server);
  const Until until{.deadline = RedisConnection::Clock::now() + std::chrono::milliseconds{50}};
  EXPECT_NE(examine(config, {}, {}, Moment::start, until).away, "");
  std::stop_source stop;
  stop.request_stop();
  EXPECT_NE(
      examine(config, {}, {}, Moment::start,
              {.deadline = RedisConnection::Clock::time_point::max(), .stop = stop.get_token()})
          .away,
      "");
  server.resume();
}

TEST_F(RedisExaminationTest, EachShardIsLookedAtAndDeleted) {
  RedisServer first, second;
  first.start();
  second.start();
  ExporterConfig config = config_of(first);
  config.redis.endpoints = {second.address()};
  second.command({"ZADD", "0", "1", "one"});
  EXPECT_EQ(codes(examined(config).errors), Codes{"REDIS-RUN-01"});
  EXPECT_EQ(examined(config).lines.size(), 4u);
  first.command({"ZADD", "1", "1", "another run's"});
  clear_run(config, {}, soon());
  EXPECT_EQ(codes(examined(config).errors), Codes{});
  EXPECT_EQ(first.command({"ZCARD", "1"}), Codes{"1"});
}

TEST_F(RedisExaminationTest, DeletingTakesARight) {
  RedisServer server{RedisServer::Listen::unix_socket,
                     {"--user", "writer", "on", "nopass", "~*", "+@all", "-unlink"}};
  server.start();
  ExporterConfig config = config_of(server);
  config.redis.username = "writer";
  try {
    clear_run(config, read_access(config.redis), soon());
    FAIL() << "cleared";
  } catch (const Failure& failure) {
    EXPECT_EQ(failure.finding().code, "REDIS-CLEAR-01");
    EXPECT_NE(failure.finding().why.find("NOPERM"), std::string::npos);
  }
}

}  // namespace
}  // namespace valinor::exporter
