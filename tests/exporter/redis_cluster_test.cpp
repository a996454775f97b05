/// RedisStore against a real Redis Cluster of three masters, while slots move and masters die.
#include <algorithm>
#include <deque>

#include "exporter/cluster_slot.hpp"
#include "exporter/exporter.hpp"
#include "exporter/make_store.hpp"
#include "exporter/shards.hpp"
#include "flow_samples.hpp"
#include "redis_store_fixture.hpp"

namespace valinor::exporter {
namespace {

using valinor::test::RedisServer;

class RedisClusterTest : public test::RedisStoreTest {
 protected:
  static constexpr int kMasters = 3;

  void SetUp() override {
    test::RedisStoreTest::SetUp();
    if (!IsSkipped()) form_cluster();
  }

  /// A node that serves no slot yet.
  RedisServer& add_node() {
    bus_ports_.push_back(std::to_string(valinor::test::find_free_port()));
    RedisServer& node = nodes_.emplace_back(
        RedisServer::Listen::loopback,
        std::vector<std::string>{"--cluster-enabled", "yes", "--cluster-node-timeout", "1000",
                                 "--cluster-port", bus_ports_.back(), "--appendonly", "yes",
                                 "--appendfsync", "always"});
    node.start();
    if (nodes_.size() > 1) {
      const std::string port = std::to_string(node.address().port);
      nodes_.front().command({"CLUSTER", "MEET", "127.0.0.1", port, bus_ports_.back()});
    }
    return node;
  }

  void form_cluster() {
    for (int i = 0; i < kMasters; ++i) {
      const auto slot = [](int part) { return std::to_string(kClusterSlots * part / kMasters); };
      const std::string last = std::to_string(std::stoi(slot(i + 1)) - 1);
      add_node().command({"CLUSTER", "ADDSLOTSRANGE", slot(i), last});
    }
    await_all([](const std::string& info) { return info.find("cluster_state:ok") != info.npos; });
  }

  /// Until CLUSTER INFO of every node fulfills it.
  template <class Condition>
  void await_all(Condition&& condition) {
    ASSERT_TRUE(test::eventually([&] {
      return std::all_of(nodes_.begin(), nodes_.end(), [&](const RedisServer& node) {
        return condition(node.command({"CLUSTER", "INFO"})[0]);
      });
    }));
  }

  RedisConfig shard_config(std::uint32_t shard) const {
    RedisConfig config;
    config.address = nodes_.front().address();
    config.endpoints = {nodes_[1].address()};
    config.cluster = true;
    config.backoff_max = std::chrono::milliseconds{100};
    return split_shards(config).at(shard);
  }

  static std::string id_of(const RedisServer& node) { return node.command({"CLUSTER", "MYID"})[0]; }

  /// The master that serves the key.
  RedisServer& owner_of(const std::string& key) {
    return nodes_.at(static_cast<std::size_t>(kMasters * cluster_slot(key) / kClusterSlots));
  }

  std::deque<RedisServer> nodes_;
  std::vector<std::string> bus_ports_;
};

TEST_F(RedisClusterTest, EveryShardIsInTheNodeThatServesItsSlot) {
  constexpr std::uint32_t kShards = 16;
  for (std::uint32_t shard = 0; shard < kShards; ++shard) {
    RedisStore store{shard_config(shard), 7};
    EXPECT_EQ(outcome_of(store, batch_of(store, 0, 10)).kind, Outcome::Kind::stored) << shard;
    const std::string key = "7:{" + std::to_string(shard) + "}";
    EXPECT_EQ(owner_of(key).command({"CLUSTER", "KEYSLOT", key})[0],
              std::to_string(cluster_slot(key)));
    EXPECT_EQ(owner_of(key).command({"ZCARD", key}), std::vector<std::string>{"10"});
  }
  for (const RedisServer& node : nodes_) EXPECT_FALSE(node.command({"KEYS", "*"}).empty());
}

TEST_F(RedisClusterTest, AnExporterSpreadsARunOverItsKeys) {
  ExporterConfig config;
  config.key = 7;
  config.when_full = WhenFull::lose;
  config.redis.address = nodes_.front().address();
  config.redis.cluster = true;
  config.redis.shards = 8;
  telemetry::RecordRing ring{1 << 20};
  Exporter exporter{config, make_sinks(config).parts, {ring}};
  test::produce_flows(ring, 0, 50'000);
  exporter.stop(test::soon());
  EXPECT_EQ(exporter.totals().front().stored, 50'000u);
  std::size_t records = 0;
  for (std::uint32_t shard = 0; shard < config.redis.shards; ++shard) {
    const std::string key = "7:{" + std::to_string(shard) + "}";
    const std::size_t here = std::stoul(owner_of(key).command({"ZCARD", key})[0]);
    EXPECT_GT(here, 0u) << key;
    records += here;
  }
  EXPECT_EQ(records, 50'000u);
}

/// As redis-cli --cluster reshard does it. Between MIGRATE and SETSLOT NODE the former owner
/// answers ASK, afterwards MOVED.
TEST_F(RedisClusterTest, ASlotThatMovesTakesItsRecordsAlong) {
  const std::string key = "0:{0}";
  const std::string slot = std::to_string(cluster_slot(key));
  RedisServer& from = owner_of(key);
  RedisServer& to = &from == &nodes_[0] ? nodes_[1] : nodes_[0];
  RedisStore store{shard_config(0), 0};
  EXPECT_EQ(outcome_of(store, batch_of(store, 0, 10)).kind, Outcome::Kind::stored);

  to.command({"CLUSTER", "SETSLOT", slot, "IMPORTING", id_of(from)});
  from.command({"CLUSTER", "SETSLOT", slot, "MIGRATING", id_of(to)});
  EXPECT_EQ(outcome_of(store, batch_of(store, 10, 10)).kind, Outcome::Kind::stored);
  const std::string port = std::to_string(to.address().port);
  from.command({"MIGRATE", "127.0.0.1", port, key, "0", "5000"});

  // Two in flight: both are sent back, and both are told from ASKING's own answers.
  Batch batch = batch_of(store, 20, 10);
  ASSERT_TRUE(test::eventually([&] { return store.ready(); }));
  store.submit(batch);
  store.submit(batch_of(store, 30, 10));
  EXPECT_EQ(store.poll(std::chrono::seconds{30})->kind, Outcome::Kind::lost_link);
  EXPECT_NE(store.trouble().find("ASK " + slot), std::string::npos) << store.trouble();
  ASSERT_TRUE(test::eventually([&] { return store.ready(); })) << store.trouble();
  store.submit(batch);
  store.submit(batch_of(store, 30, 10));
  EXPECT_EQ(store.poll(std::chrono::seconds{30})->kind, Outcome::Kind::stored);
  EXPECT_EQ(store.poll(std::chrono::seconds{30})->kind, Outcome::Kind::stored);

  to.command({"CLUSTER", "SETSLOT", slot, "NODE", id_of(to)});
  from.command({"CLUSTER", "SETSLOT", slot, "NODE", id_of(to)});
  EXPECT_EQ(outcome_of(store, batch_of(store, 40, 10)).kind, Outcome::Kind::stored);
  EXPECT_EQ(to.command({"ZCARD", key}), std::vector<std::string>{"50"});

  // And back, under the store's feet.
  from.command({"CLUSTER", "SETSLOT", slot, "IMPORTING", id_of(to)});
  to.command({"CLUSTER", "SETSLOT", slot, "MIGRATING", id_of(from)});
  to.command({"MIGRATE", "127.0.0.1", std::to_string(from.address().port), key, "0", "5000"});
  from.command({"CLUSTER", "SETSLOT", slot, "NODE", id_of(from)});
  to.command({"CLUSTER", "SETSLOT", slot, "NODE", id_of(from)});
  batch = batch_of(store, 50, 10);
  EXPECT_EQ(outcome_of(store, batch).kind, Outcome::Kind::lost_link);
  EXPECT_NE(store.trouble().find("MOVED " + slot), std::string::npos) << store.trouble();
  EXPECT_EQ(store_at_last(store, batch).kind, Outcome::Kind::stored);
  EXPECT_EQ(store.trouble(), "");
  EXPECT_EQ(from.command({"ZCARD", key}), std::vector<std::string>{"60"});
}

TEST_F(RedisClusterTest, AReplicaThatIsPromotedTakesOver) {
  const std::string key = "0:{0}";
  RedisServer& master = owner_of(key);
  RedisServer& replica = add_node();
  await_all([](const std::string& info) {
    return info.find("cluster_known_nodes:4") != std::string::npos;
  });
  const std::string id = id_of(master);
  ASSERT_TRUE(test::eventually([&] {  // it must have heard of its master
    try {
      replica.command({"CLUSTER", "REPLICATE", id});
      return true;
    } catch (const std::runtime_error&) {
      return false;
    }
  }));
  ASSERT_TRUE(test::eventually([&] {
    return replica.command({"INFO", "replication"})[0].find("master_link_status:up") !=
           std::string::npos;
  }));
  RedisStore store{shard_config(0), 0};
  EXPECT_EQ(outcome_of(store, batch_of(store, 0, 10)).kind, Outcome::Kind::stored);
  master.command({"WAIT", "1", "30000"});
  master.crash();
  EXPECT_EQ(store_at_last(store, batch_of(store, 10, 10)).kind, Outcome::Kind::stored);
  EXPECT_EQ(replica.command({"ZCARD", key}), std::vector<std::string>{"20"});
}

TEST_F(RedisClusterTest, ASeedThatIsDeadIsPassedOver) {
  RedisConfig config = shard_config(0);
  config.endpoints = {config.address};
  config.address.port = valinor::test::find_free_port();  // nobody is there
  RedisStore store{config, 0};
  EXPECT_EQ(store_at_last(store, batch_of(store, 0, 10)).kind, Outcome::Kind::stored);
}

TEST_F(RedisClusterTest, AServerThatIsNoClusterIsTrouble) {
  RedisServer alone;
  alone.start();
  RedisConfig config = shard_config(0);
  config.address = alone.address();
  config.endpoints.clear();
  RedisStore store{config, 0};
  EXPECT_NE(trouble_of(store).find("cluster support disabled"), std::string::npos)
      << store.trouble();
}

}  // namespace
}  // namespace valinor::exporter
