#include "exporter/shards.hpp"

#include <gtest/gtest.h>

#include <array>
#include <filesystem>

#include "exporter/cluster_slot.hpp"
#include "exporter/exporter.hpp"
#include "exporter/make_store.hpp"
#include "exporter/redis_store.hpp"
#include "flow_samples.hpp"
#include "support/redis_server.hpp"

namespace valinor::exporter {
namespace {

using test::record_of_flow;
using valinor::test::RedisServer;

TEST(Shards, AFlowIsInOneShardAndFlowsAreInAllOfThem) {
  constexpr std::uint32_t kShards = 4;
  constexpr std::uint16_t kFlows = 4000;
  std::array<int, kShards> flows{};
  for (std::uint16_t port = 0; port < kFlows; ++port) {
    const telemetry::PacketRecord first = record_of_flow(port, 1);
    const telemetry::PacketRecord second = record_of_flow(port, 2);
    const std::uint32_t shard = shard_of({first, {}}, kShards);
    ASSERT_LT(shard, kShards);
    EXPECT_EQ(shard_of({second, {}}, kShards), shard);
    ++flows[shard];
  }
  for (const int count : flows) {
    EXPECT_GT(count, kFlows / kShards * 8 / 10);
    EXPECT_LT(count, kFlows / kShards * 12 / 10);
  }
}

/// Their connection key is the kernel's hash.
TEST(Shards, DepartingPacketsAreSpreadToo) {
  telemetry::PacketRecord record;
  record.format = telemetry::Format::host_egress;
  record.flow_hash = 7;
  EXPECT_EQ(shard_of({record, {}}, 4), 3u);
  EXPECT_EQ(shard_of({record, {}}, 1), 0u);
}

TEST(Shards, OneForEachServer) {
  RedisConfig config;
  config.username = "writer";
  EXPECT_EQ(split_shards(config).size(), 1u);
  config.endpoints = {*parse_redis_url("redis://b"), *parse_redis_url("redis://c/2")};
  const auto shards = split_shards(config);
  ASSERT_EQ(shards.size(), 3u);
  EXPECT_EQ(shards[0].address, config.address);
  EXPECT_EQ(shards[1].address.to_url(), "redis://b:6379/0");
  EXPECT_EQ(shards[2].address.to_url(), "redis://c:6379/2");
  for (const RedisConfig& shard : shards) {
    EXPECT_TRUE(shard.endpoints.empty());
    EXPECT_EQ(shard.key_suffix, "");
    EXPECT_EQ(shard.username, "writer");
  }
}

TEST(Shards, OfAClusterHaveKeysOfTheirOwn) {
  RedisConfig config;
  config.cluster = true;
  config.shards = 3;
  config.endpoints = {*parse_redis_url("redis://b")};
  const auto shards = split_shards(config);
  ASSERT_EQ(shards.size(), 3u);
  EXPECT_EQ(shards[2].key_suffix, ":{2}");
  EXPECT_EQ(shards[2].endpoints.size(), 1u);  // whom to ask for the way
}

/// Values that CLUSTER KEYSLOT answers.
TEST(ClusterSlot, IsThatOfTheSpecification) {
  EXPECT_EQ(cluster_slot("123456789"), 0x31C3);
  EXPECT_EQ(cluster_slot("foo"), 12182);
  EXPECT_EQ(cluster_slot("7:{foo}"), 12182);
  EXPECT_EQ(cluster_slot("a{foo}{bar}"), 12182);
  EXPECT_EQ(cluster_slot("{}foo"), 9500);
  EXPECT_EQ(cluster_slot(""), 0);
}

/// One server is away: what belongs to the other is stored, and nothing is lost.
TEST(Shards, ADeadServerHoldsUpOnlyItsOwnRecords) {
  if (!valinor::test::has_redis_server()) GTEST_SKIP() << "redis-server is not installed";
  RedisServer here;
  RedisServer away;
  here.start();
  ExporterConfig config;
  config.redis.address = here.address();
  config.redis.endpoints = {away.address()};
  config.redis.backoff_max = std::chrono::milliseconds{20};
  const auto shards = split_shards(config.redis);
  RedisStore first{shards[0], 0};
  RedisStore second{shards[1], 0};
  std::array<Batch, 2> batches;
  for (std::uint16_t port = 0; port < 100; ++port) {
    const telemetry::PacketRecord record = record_of_flow(port, port);
    Batch& batch = batches[shard_of({record, {}}, 2)];
    first.encode({record, {}}, batch.rows);
    ++batch.records;
  }
  const auto store = [](RedisStore& to, const Batch& batch) {
    to.submit(batch);
    return to.poll(std::chrono::seconds{30});
  };
  ASSERT_TRUE(test::eventually([&] { return !second.ready() && first.ready(); }));
  EXPECT_EQ(store(first, batches[0])->kind, Outcome::Kind::stored);
  EXPECT_NE(second.trouble(), "");
  EXPECT_EQ(first.trouble(), "");
  away.start();
  ASSERT_TRUE(test::eventually([&] { return second.ready(); }));
  EXPECT_EQ(store(second, batches[1])->kind, Outcome::Kind::stored);
  EXPECT_EQ(
      std::stoul(here.command({"ZCARD", "0"})[0]) + std::stoul(away.command({"ZCARD", "0"})[0]),
      100u);
}

/// As the program does it, with room on disk for neither.
TEST(Shards, AnExporterStoresEachRecordOnceWhileAServerComesAndGoes) {
  if (!valinor::test::has_redis_server()) GTEST_SKIP() << "redis-server is not installed";
  RedisServer first;
  RedisServer second{RedisServer::Listen::unix_socket,
                     {"--appendonly", "yes", "--appendfsync", "always"}};
  first.start();
  ExporterConfig config;
  config.when_full = WhenFull::lose;
  config.redis.address = first.address();
  config.redis.endpoints = {second.address()};
  config.redis.backoff_max = config.redis.backoff_initial = std::chrono::milliseconds{5};
  telemetry::RecordRing ring{1 << 20};
  Exporter exporter{config, make_sinks(config).parts, {ring}};
  constexpr std::size_t kRecords = 30'000;
  const auto stored = [&] { return exporter.totals().front().stored; };
  test::produce_flows(ring, 0, kRecords);
  const auto stored_in_first = [&] { return exporter.stats().stored.value(); };
  EXPECT_TRUE(test::eventually([&] { return stored_in_first() > kRecords / 3; }));
  second.start();
  EXPECT_TRUE(test::eventually([&] { return stored() == kRecords; }));
  second.crash();
  test::produce_flows(ring, kRecords, kRecords);
  EXPECT_TRUE(test::eventually([&] { return stored_in_first() > 2 * kRecords / 3; }));
  second.start();
  exporter.stop(test::soon());
  EXPECT_EQ(stored(), 2 * kRecords);
  EXPECT_EQ(exporter.totals().size(), 1u);
  const auto in = [](const RedisServer& server) {
    return std::stoul(server.command({"ZCARD", "0"})[0]);
  };
  EXPECT_EQ(in(first) + in(second), 2 * kRecords);
  EXPECT_EQ(in(first), stored_in_first());
}

/// Each shard has its file, and each file of an ended run finds its shard again.
TEST(Shards, WhatWaitsOnDiskIsOfOneShard) {
  if (!valinor::test::has_redis_server()) GTEST_SKIP() << "redis-server is not installed";
  RedisServer first;
  RedisServer second;
  ExporterConfig config;
  std::string folder = (std::filesystem::temp_directory_path() / "valinor-spill-XXXXXX").string();
  ASSERT_NE(::mkdtemp(folder.data()), nullptr);
  config.spill.folder = folder;
  config.redis.address = first.address();
  config.redis.endpoints = {second.address()};
  constexpr std::size_t kRecords = 10'000;
  {
    telemetry::RecordRing ring{1 << 22};
    Exporter exporter{config, make_sinks(config).parts, {ring}};
    test::produce_flows(ring, 0, kRecords);
    exporter.stop(Exporter::Clock::now());
    EXPECT_EQ(exporter.totals().front().on_disk, kRecords);
  }
  first.start();
  second.start();
  Sinks sinks = make_sinks(config);
  EXPECT_EQ(sinks.warnings, std::vector<std::string>{});
  telemetry::RecordRing ring{1 << 20};
  Exporter exporter{config, std::move(sinks.parts), {ring}};
  exporter.stop(test::soon());
  EXPECT_EQ(exporter.totals().front().stored, kRecords);
  const auto in = [](const RedisServer& server) {
    return std::stoul(server.command({"ZCARD", "0"})[0]);
  };
  EXPECT_GT(in(first), kRecords / 3);
  EXPECT_GT(in(second), kRecords / 3);
  EXPECT_EQ(in(first) + in(second), kRecords);
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace valinor::exporter
