/// Exporter, RedisStore and a real redis-server together: what arrives, and what failures cost.
#include <gtest/gtest.h>

#include "exporter/exporter.hpp"
#include "exporter/make_store.hpp"
#include "record_samples.hpp"
#include "support/redis_server.hpp"

namespace valinor::exporter {
namespace {

using std::chrono::milliseconds;
using test::eventually;
using test::produce_all;
using test::soon;
using valinor::test::RedisServer;

class ExporterRedisTest : public testing::Test {
 protected:
  void SetUp() override {
    if (!valinor::test::has_redis_server()) GTEST_SKIP() << "redis-server is not installed";
  }

  ExporterConfig config_for(const RedisServer& server) {
    ExporterConfig config;
    config.redis.address = server.address();
    config.redis.backoff_initial = milliseconds{1};
    config.redis.backoff_max = milliseconds{20};
    config.batch_interval = milliseconds{1};
    return config;
  }
  static std::size_t records_in(const RedisServer& server) {
    return std::stoul(server.command({"ZCARD", "0"})[0]);
  }

  telemetry::RecordRing ring{1 << 20};
};

TEST_F(ExporterRedisTest, StoresEveryRecordOnce) {
  RedisServer server;
  server.start();
  const ExporterConfig config = config_for(server);
  Exporter exporter{config, make_store(config), {ring}};
  produce_all(ring, 0, 20'000);
  produce_all(ring, 0, 100);  // again
  exporter.stop(soon());
  EXPECT_EQ(exporter.stats().stored.value(), 20'000u);
  EXPECT_EQ(exporter.stats().collapsed.value(), 100u);
  EXPECT_TRUE(exporter.stats().balanced());
  EXPECT_EQ(records_in(server), 20'000u);
}

TEST_F(ExporterRedisTest, WaitsForAServerThatComesLater) {
  RedisServer server;
  const ExporterConfig config = config_for(server);
  Exporter exporter{config, make_store(config), {ring}};
  produce_all(ring, 0, 5'000);
  EXPECT_TRUE(eventually([&] { return exporter.stats().pending == 5'000; }));
  server.start();
  EXPECT_TRUE(eventually([&] { return exporter.stats().stored.value() == 5'000; }));
  exporter.stop(soon());
  EXPECT_TRUE(exporter.stats().balanced());
  EXPECT_EQ(records_in(server), 5'000u);
}

/// With every command on disk before its answer, a crash must cost nothing.
TEST_F(ExporterRedisTest, SurvivesAServerKilledInMidStream) {
  RedisServer server{RedisServer::Listen::unix_socket,
                     {"--appendonly", "yes", "--appendfsync", "always"}};
  server.start();
  const ExporterConfig config = config_for(server);
  Exporter exporter{config, make_store(config), {ring}};
  constexpr std::size_t kRecords = 60'000;
  {
    const std::jthread producer{[&] { produce_all(ring, 0, kRecords); }};
    for (const std::size_t stored : {5'000u, 25'000u}) {
      EXPECT_TRUE(eventually([&] { return exporter.stats().stored.value() >= stored; }));
      server.crash();
      server.start();
    }
  }
  exporter.stop(soon());
  EXPECT_EQ(exporter.stats().stored.value(), kRecords);
  EXPECT_EQ(exporter.stats().collapsed.value(), 0u);
  EXPECT_TRUE(exporter.stats().balanced());
  EXPECT_EQ(records_in(server), kRecords);
}

TEST_F(ExporterRedisTest, SurvivesAServerThatHangs) {
  RedisServer server;
  server.start();
  ExporterConfig config = config_for(server);
  config.redis.command_timeout = milliseconds{50};
  Exporter exporter{config, make_store(config), {ring}};
  produce_all(ring, 0, 1'000);
  EXPECT_TRUE(eventually([&] { return exporter.stats().stored.value() == 1'000; }));
  server.pause();
  produce_all(ring, 1'000, 20'000);
  EXPECT_TRUE(eventually([&] { return exporter.stats().pending == 20'000; }));
  server.resume();
  EXPECT_TRUE(eventually([&] { return exporter.stats().stored.value() == 21'000; }));
  exporter.stop(soon());
  EXPECT_EQ(exporter.stats().collapsed.value(), 0u);
  EXPECT_TRUE(exporter.stats().balanced());
  EXPECT_EQ(records_in(server), 21'000u);
}

TEST_F(ExporterRedisTest, AKeyOfAnotherTypeKeepsRecordsWaiting) {
  RedisServer server;
  server.start();
  server.command({"SET", "0", "not a sorted set"});
  const ExporterConfig config = config_for(server);
  Exporter exporter{config, make_store(config), {ring}};
  produce_all(ring, 0, 5'000);
  EXPECT_TRUE(eventually([&] { return exporter.stats().pending == 5'000; }));
  server.command({"DEL", "0"});
  exporter.stop(soon());
  EXPECT_EQ(exporter.stats().stored.value(), 5'000u);
  EXPECT_TRUE(exporter.stats().balanced());
}

TEST_F(ExporterRedisTest, MemoryFullIsCountedWhileTheServerIsAway) {
  RedisServer server;
  ExporterConfig config = config_for(server);
  config.memory_bytes = 34'000;
  Exporter exporter{config, make_store(config), {ring}};
  produce_all(ring, 0, 5'000);
  EXPECT_TRUE(eventually([&] { return exporter.stats().received.value() == 5'000; }));
  server.start();
  exporter.stop(soon());
  EXPECT_EQ(exporter.stats().lost_by(LossReason::memory_full).value(), 4'000u);
  EXPECT_EQ(exporter.stats().stored.value(), 1'000u);
  EXPECT_TRUE(exporter.stats().balanced());
  EXPECT_EQ(records_in(server), 1'000u);
  const std::vector<StoreGaps> stores = exporter.gaps();
  ASSERT_EQ(stores.size(), 1u);
  const std::vector<Gap>& gaps = stores.front().gaps.kept();
  ASSERT_EQ(gaps.size(), 1u);
  EXPECT_EQ(gaps[0].reason, LossReason::memory_full);
  EXPECT_EQ(gaps[0].records, 4'000u);
}

TEST_F(ExporterRedisTest, StoppingWithoutAServerCountsEveryRecord) {
  const RedisServer server;  // never started
  const ExporterConfig config = config_for(server);
  Exporter exporter{config, make_store(config), {ring}};
  produce_all(ring, 0, 5'000);
  exporter.stop(Exporter::Clock::now() + milliseconds{20});
  EXPECT_EQ(exporter.stats().lost_by(LossReason::unflushed_at_stop).value(), 5'000u);
  EXPECT_TRUE(exporter.stats().balanced());
}

TEST_F(ExporterRedisTest, AServerThatIsBackIsFoundAtTheStop) {
  RedisServer server;
  ExporterConfig config = config_for(server);
  config.redis.backoff_initial = config.redis.backoff_max = std::chrono::hours{24};
  Exporter exporter{config, make_store(config), {ring}};
  produce_all(ring, 0, 5'000);
  EXPECT_TRUE(eventually([&] { return exporter.stats().pending == 5'000; }));
  server.start();
  exporter.stop(soon());
  EXPECT_EQ(exporter.stats().stored.value(), 5'000u);
  EXPECT_TRUE(exporter.stats().balanced());
}

/// The ring and the memory together hold less than a tenth of it.
TEST_F(ExporterRedisTest, AProducerThatCanWaitLosesNothingToASlowServer) {
  RedisServer server;
  server.start();
  ExporterConfig config = config_for(server);
  config.memory_bytes = 34'000;
  config.when_full = WhenFull::wait;
  Exporter exporter{config, make_store(config), {ring}};
  produce_all(ring, 0, 100'000);
  exporter.stop(soon());
  EXPECT_EQ(exporter.stats().stored.value(), 100'000u);
  EXPECT_TRUE(exporter.stats().balanced());
}

TEST_F(ExporterRedisTest, TwoWorkersOneSet) {
  RedisServer server{RedisServer::Listen::loopback};
  server.start();
  const ExporterConfig config = config_for(server);
  telemetry::RecordRing other{1 << 16};
  Exporter exporter{config, make_store(config), {ring, other}};
  constexpr std::size_t kEach = 30'000;
  {
    const std::jthread first{[&] { produce_all(ring, 0, kEach); }};
    const std::jthread second{[&] { produce_all(other, kEach, kEach); }};
  }
  exporter.stop(soon());
  EXPECT_EQ(exporter.stats().stored.value(), 2 * kEach);
  EXPECT_TRUE(exporter.stats().balanced());
  EXPECT_EQ(records_in(server), 2 * kEach);
}

}  // namespace
}  // namespace valinor::exporter
