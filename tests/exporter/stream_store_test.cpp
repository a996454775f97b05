/// RedisStore with a stream, against a real server: what is in it, and that each batch is once.
#include <filesystem>
#include <numeric>

#include "exporter/make_store.hpp"
#include "exporter/redis_format.hpp"
#include "exporter/spill_file.hpp"
#include "flow_samples.hpp"
#include "redis_store_fixture.hpp"
#include "stream_samples.hpp"

namespace valinor::exporter {
namespace {

using test::RedisStoreTest;
using test::times_in_stream;
using valinor::test::RedisServer;

class StreamStoreTest : public RedisStoreTest {
 protected:
  void SetUp() override {
    RedisStoreTest::SetUp();
    if (!IsSkipped()) server.start();
  }

  RedisConfig stream_config() {
    RedisConfig config = config_for(server);
    config.format = RedisForm::stream;
    return config;
  }

  /// As a Sink does it: a name before the first sending, a new one when the store has none of it.
  static Outcome store_once(RedisStore& store, Batch& batch) {
    for (;;) {
      EXPECT_TRUE(test::eventually([&] { return store.ready(); })) << store.trouble();
      if (!batch.id) batch.id = store.next_id();
      const Outcome outcome = outcome_of(store, batch);
      const bool asks_again = outcome.kind == Outcome::Kind::refused && outcome.reason.empty();
      if (outcome.kind != Outcome::Kind::absent && !asks_again) return outcome;
      if (!asks_again) batch.id = {};
    }
  }

  static std::vector<std::uint64_t> numbers(std::uint64_t first, std::size_t count) {
    std::vector<std::uint64_t> all(count);
    std::iota(all.begin(), all.end(), first);
    return all;
  }

  RedisServer server;
};

TEST_F(StreamStoreTest, ABlockHoldsEachRecordWholeWithItsHops) {
  RedisStore store{stream_config(), 7};
  telemetry::PacketRecord packet = test::valinor_record();
  packet.rpc_id = 99;
  packet.hop_count = packet.hops_claimed = 2;
  std::array<telemetry::HopRecord, 2> hops{};
  hops[0].node_id = 5;
  hops[1].queue_delay = 77;
  Batch batch{.rows = {}, .records = 2};
  store.encode({packet, hops}, batch.rows);
  const telemetry::PacketRecord plain = test::valinor_record(2);
  store.encode({plain, {}}, batch.rows);
  ASSERT_EQ(store_once(store, batch).kind, Outcome::Kind::stored);

  const auto words = server.command({"XRANGE", "7:stream", "-", "+"});
  ASSERT_EQ(words.size(), 5u);
  EXPECT_EQ((std::vector<std::string>{words[1], words[2], words[3]}),
            (std::vector<std::string>{"v", "1", "r"}));
  RecordFileHeader header;
  header.key = 7;
  const std::string head{reinterpret_cast<const char*>(&header), sizeof header};
  const std::string rows{reinterpret_cast<const char*>(batch.rows.data()), batch.rows.size()};
  EXPECT_EQ(words[4], head + rows);
  EXPECT_EQ(server.command({"KEYS", "*"}), std::vector<std::string>{"7:stream"});
}

TEST_F(StreamStoreTest, ABatchThatIsThereIsNotStoredAgain) {
  RedisStore store{stream_config(), 0};
  Batch batch = batch_of(store, 0, 10);
  ASSERT_EQ(store_once(store, batch).kind, Outcome::Kind::stored);
  const Outcome again = store_once(store, batch);
  EXPECT_EQ(again.kind, Outcome::Kind::stored);
  EXPECT_EQ(again.collapsed + again.unsure, 0u);
  EXPECT_EQ(times_in_stream(server, "0:stream"), numbers(0, 10));
}

/// The batch that was named first never arrived, a later one did: that ids must rise would refuse
/// the first for ever, and "equal or smaller" must not be read as "stored".
TEST_F(StreamStoreTest, ABatchThatWasOvertakenIsNotLost) {
  RedisStore store{stream_config(), 0};
  Batch first = batch_of(store, 0, 10);
  Batch second = batch_of(store, 10, 10);
  ASSERT_TRUE(test::eventually([&] { return store.ready(); }));
  first.id = store.next_id();
  ASSERT_EQ(store_once(store, second).kind, Outcome::Kind::stored);
  // A "no" is only believed once it must stay one.
  EXPECT_EQ(outcome_of(store, first).kind, Outcome::Kind::refused);
  EXPECT_EQ(store.trouble(), "");
  EXPECT_EQ(outcome_of(store, first).kind, Outcome::Kind::absent);
  first.id = {};
  ASSERT_EQ(store_once(store, first).kind, Outcome::Kind::stored);
  auto times = times_in_stream(server, "0:stream");
  std::ranges::sort(times);
  EXPECT_EQ(times, numbers(0, 20));
}

/// A server that hung executes what a lost connection had sent only after it has answered on the
/// next one: the batch is sent again, and must not be there twice.
TEST_F(StreamStoreTest, WhatALostConnectionHadSentComesTooLate) {
  RedisStore store{stream_config(), 0};
  Batch batch = batch_of(store, 0, 10);
  ASSERT_TRUE(test::eventually([&] { return store.ready(); }));
  batch.id = store.next_id();
  const BatchId late = batch.id;  // sent, and held up
  (void)store.next_id();          // so this store takes it for one that was sent
  while (outcome_of(store, batch).kind != Outcome::Kind::absent) {
  }
  EXPECT_THROW(server.command({"XADD", "0:stream",
                               std::to_string(late.high) + "-" + std::to_string(late.low), "v", "1",
                               "r", "x"}),
               std::runtime_error);
  batch.id = {};
  ASSERT_EQ(store_once(store, batch).kind, Outcome::Kind::stored);
  EXPECT_EQ(times_in_stream(server, "0:stream"), numbers(0, 10));
}

TEST_F(StreamStoreTest, TwoWritersOfOneKeyStoreEachBatchOnce) {
  RedisStore one{stream_config(), 0};
  RedisStore other{stream_config(), 0};
  for (std::uint64_t n = 0; n < 50; ++n) {
    Batch of_one = batch_of(one, 20 * n, 10);
    Batch of_other = batch_of(other, 20 * n + 10, 10);
    ASSERT_EQ(store_once(one, of_one).kind, Outcome::Kind::stored);
    ASSERT_EQ(store_once(other, of_other).kind, Outcome::Kind::stored);
  }
  EXPECT_EQ(times_in_stream(server, "0:stream"), numbers(0, 1000));
}

TEST_F(StreamStoreTest, IdsRiseAlsoAboveThoseOfAClockThatWasAhead) {
  server.command({"XADD", "0:stream", "99999999999999-5", "v", "1", "r", "x"});
  RedisStore store{stream_config(), 0};
  Batch batch = batch_of(store, 0, 10);
  ASSERT_EQ(store_once(store, batch).kind, Outcome::Kind::stored);
  EXPECT_GT(batch.id.high, 99999999999999u);
  EXPECT_EQ(server.command({"XLEN", "0:stream"}), std::vector<std::string>{"2"});
}

TEST_F(StreamStoreTest, ABoundedStreamForgetsItsOldestBlocks) {
  RedisConfig config = stream_config();
  config.batch_records = 100;
  config.stream_max_records = 1000;
  RedisStore store{config, 0};
  for (std::uint64_t n = 0; n < 50; ++n) {
    Batch batch = batch_of(store, 100 * n, 100);
    ASSERT_EQ(store_once(store, batch).kind, Outcome::Kind::stored);
  }
  const auto times = times_in_stream(server, "0:stream");
  EXPECT_GE(times.size(), 1000u);
  EXPECT_LT(times.size(), 2000u);
  EXPECT_EQ(times.back(), 4999u);
}

TEST_F(StreamStoreTest, AKeyOfAnotherTypeRefusesUntilItIsGone) {
  server.command({"SET", "0:stream", "not a stream"});
  RedisStore store{stream_config(), 0};
  EXPECT_TRUE(trouble_of(store).starts_with("refuses: WRONGTYPE")) << store.trouble();
  server.command({"DEL", "0:stream"});
  Batch batch = batch_of(store, 0, 10);
  EXPECT_EQ(store_once(store, batch).kind, Outcome::Kind::stored);
  EXPECT_EQ(store.trouble(), "");
}

TEST_F(StreamStoreTest, AFullServerRefusesAndLosesNothing) {
  RedisStore store{stream_config(), 0};
  Batch first = batch_of(store, 0, 1);
  ASSERT_EQ(store_once(store, first).kind, Outcome::Kind::stored);
  server.command({"CONFIG", "SET", "maxmemory", "1"});
  Batch batch = batch_of(store, 1, 10);
  EXPECT_EQ(store_once(store, batch).kind, Outcome::Kind::refused);
  EXPECT_TRUE(store.trouble().starts_with("refuses: OOM")) << store.trouble();
  server.command({"CONFIG", "SET", "maxmemory", "0"});
  EXPECT_EQ(store_once(store, batch).kind, Outcome::Kind::stored);
  EXPECT_EQ(times_in_stream(server, "0:stream"), numbers(0, 11));
}

class StreamSpillTest : public StreamStoreTest {
 protected:
  StreamSpillTest() {
    std::string pattern = (std::filesystem::temp_directory_path() / "spill-XXXXXX").string();
    folder = ::mkdtemp(pattern.data());
  }
  ~StreamSpillTest() override { std::filesystem::remove_all(folder); }

  std::filesystem::path folder;
};

/// Stored, and gone before the file could be told: the next process finds it in the stream.
TEST_F(StreamSpillTest, ACrashBetweenTheAnswerAndTheDiskStoresNothingTwice) {
  const std::filesystem::path path = folder / "000.spill";
  {
    RedisStore store{stream_config(), 0};
    SpillFile file = *SpillFile::create(path, {store.name(), 0}, SpillFile::kSmallest);
    for (std::uint64_t n = 0; n < 3; ++n) ASSERT_TRUE(file.append(batch_of(store, 10 * n, 10)));
    for (int sent = 0; sent < 2; ++sent) {
      Batch batch = *file.read_next();
      ASSERT_TRUE(test::eventually([&] { return store.ready(); }));
      batch.id = store.next_id();
      file.note_id(batch.spilled, batch.id);
      if (sent == 0) {  // the other one was not sent
        ASSERT_EQ(outcome_of(store, batch).kind, Outcome::Kind::stored);
      }
    }
  }
  ExporterConfig config;
  config.redis = stream_config();
  config.spill.folder = folder.string();
  telemetry::RecordRing ring{1 << 16};
  Exporter exporter{config, make_sinks(config).parts, {ring}};
  exporter.stop(test::soon());
  EXPECT_EQ(exporter.stats().recovered.value(), 30u);
  EXPECT_EQ(exporter.stats().stored.value(), 30u);
  EXPECT_TRUE(exporter.stats().balanced());
  auto times = times_in_stream(server, "0:stream");
  std::ranges::sort(times);
  EXPECT_EQ(times, numbers(0, 30));
}

TEST_F(StreamSpillTest, AnOutageLongerThanMemoryStoresEachRecordOnce) {
  ExporterConfig config;
  config.redis = stream_config();
  config.redis.backoff_initial = config.redis.backoff_max = std::chrono::milliseconds{5};
  config.redis.command_timeout = std::chrono::milliseconds{200};
  config.memory_bytes = 1 << 20;
  config.spill.folder = folder.string();
  constexpr std::size_t kRecords = 50'000;
  telemetry::RecordRing ring{1 << 22};
  Exporter exporter{config, make_sinks(config).parts, {ring}};
  test::produce_all(ring, 0, kRecords / 5);
  server.pause();
  test::produce_all(ring, kRecords / 5, kRecords * 4 / 5);
  EXPECT_TRUE(test::eventually([&] { return exporter.stats().on_disk.load() > kRecords / 2; }));
  server.resume();
  exporter.stop(test::soon());
  EXPECT_EQ(exporter.stats().stored.value(), kRecords);
  EXPECT_TRUE(exporter.stats().balanced());
  auto times = times_in_stream(server, "0:stream");
  std::ranges::sort(times);
  EXPECT_EQ(times, numbers(0, kRecords));
}

TEST_F(StreamStoreTest, ShardsHaveAStreamEach) {
  RedisServer second;
  second.start();
  ExporterConfig config;
  config.when_full = WhenFull::lose;
  config.redis = stream_config();
  config.redis.endpoints = {second.address()};
  telemetry::RecordRing ring{1 << 20};
  Exporter exporter{config, make_sinks(config).parts, {ring}};
  test::produce_flows(ring, 0, 2000);
  exporter.stop(test::soon());
  auto times = times_in_stream(server, "0:stream");
  const auto others = times_in_stream(second, "0:stream");
  EXPECT_GT(times.size(), 500u);
  EXPECT_GT(others.size(), 500u);
  times.insert(times.end(), others.begin(), others.end());
  std::ranges::sort(times);
  EXPECT_EQ(times.size(), 2000u);
  EXPECT_EQ(std::ranges::adjacent_find(times), times.end());
}

TEST(RedisKey, IsNamedAfterTheRun) {
  RedisConfig config;
  EXPECT_EQ(to_redis_key(config, 7), "7");
  config.key_suffix = ":{3}";
  EXPECT_EQ(to_redis_key(config, 7), "7:{3}");
  config.format = RedisForm::stream;
  EXPECT_EQ(to_redis_key(config, 7), "7:stream:{3}");
}

}  // namespace
}  // namespace valinor::exporter
