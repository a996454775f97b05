/// From where scores count, as a real server keeps them.
#include <cmath>

#include "redis_store_fixture.hpp"

namespace valinor::exporter {
namespace {

using valinor::test::RedisServer;

/// As nanoseconds since 1970.
constexpr std::uint64_t kNow = 1'700'000'000'000'000'001;

class RedisScoreTest : public test::RedisStoreTest {
 protected:
  void SetUp() override {
    test::RedisStoreTest::SetUp();
    if (!IsSkipped()) server.start();
  }

  RedisConfig relative() const {
    RedisConfig config = config_for(server);
    config.score = Score::run_relative;
    return config;
  }
  static void store(const RedisConfig& config, std::uint64_t first, std::size_t count) {
    RedisStore store{config, 0};
    EXPECT_EQ(outcome_of(store, batch_of(store, first, count)).kind, Outcome::Kind::stored);
  }
  /// In the order of the set: times of members, and scores.
  std::vector<std::pair<std::uint64_t, std::string>> entries() const {
    const std::vector<std::string> texts = server.command({"ZRANGE", "0", "0", "-1", "WITHSCORES"});
    std::vector<std::pair<std::uint64_t, std::string>> found;
    for (std::size_t i = 0; i + 1 < texts.size(); i += 2) {
      found.emplace_back(std::stoull(texts[i].substr(0, 16), nullptr, 16), texts[i + 1]);
    }
    return found;
  }

  RedisServer server;
};

using Entries = std::vector<std::pair<std::uint64_t, std::string>>;

TEST_F(RedisScoreTest, EpochScoresAreRoundedAndStillInOrder) {
  store(config_for(server), kNow, 300);
  const auto found = entries();
  ASSERT_EQ(found.size(), 300u);
  EXPECT_TRUE(std::ranges::is_sorted(found, {}, &Entries::value_type::first));
  EXPECT_EQ(found[0].second, "1.7e+18");
  EXPECT_EQ(found[100].second, found[0].second);
}

TEST_F(RedisScoreTest, RelativeScoresAreExact) {
  store(relative(), kNow, 3);
  EXPECT_EQ(entries(), (Entries{{kNow, "0"}, {kNow + 1, "1"}, {kNow + 2, "2"}}));
}

TEST_F(RedisScoreTest, ALaterRunCountsFromTheSameZero) {
  store(relative(), kNow, 2);
  store(relative(), kNow + 1'000, 1);
  store(relative(), kNow - 5, 1);  // of an earlier one, which waited on disk
  EXPECT_EQ(entries(),
            (Entries{{kNow - 5, "-5"}, {kNow, "0"}, {kNow + 1, "1"}, {kNow + 1'000, "1000"}}));
  // Its first entry is now another one; zero is not.
  store(relative(), kNow + 7, 1);
  EXPECT_EQ(entries()[3], (Entries::value_type{kNow + 7, "7"}));
}

TEST_F(RedisScoreTest, ASetOfEpochScoresIsGoneOnWithInItsOrder) {
  store(config_for(server), kNow, 300);
  store(relative(), kNow + 1'000, 2);
  const auto found = entries();
  EXPECT_TRUE(std::ranges::is_sorted(found, {}, &Entries::value_type::first));
  EXPECT_NEAR(std::stod(found.back().second), static_cast<double>(kNow), 2'000);
}

TEST_F(RedisScoreTest, AMemberOfSomebodyElseSaysNothing) {
  server.command({"ZADD", "0", "5", "somebody's"});
  RedisStore store{relative(), 0};
  EXPECT_EQ(outcome_of(store, batch_of(store, kNow, 2)).kind, Outcome::Kind::stored);
  EXPECT_EQ(server.command({"ZRANGE", "0", "0", "0"})[0].size(), 68u);
}

TEST_F(RedisScoreTest, TheZeroOutlivesALostLink) {
  RedisStore store{relative(), 0};
  EXPECT_EQ(outcome_of(store, batch_of(store, kNow, 1)).kind, Outcome::Kind::stored);
  server.crash();
  server.start();  // without what it had
  EXPECT_EQ(store_at_last(store, batch_of(store, kNow + 9, 1)).kind, Outcome::Kind::stored);
  EXPECT_EQ(entries(), (Entries{{kNow + 9, "9"}}));
}

TEST_F(RedisScoreTest, AKeyOfAnotherTypeIsWaitedFor) {
  server.command({"SET", "0", "somebody's"});
  RedisStore store{relative(), 0};
  EXPECT_NE(trouble_of(store).find("WRONGTYPE"), std::string::npos);
  server.command({"DEL", "0"});
  EXPECT_EQ(outcome_of(store, batch_of(store, kNow, 1)).kind, Outcome::Kind::stored);
  EXPECT_EQ(store.trouble(), "");
}

TEST_F(RedisScoreTest, TheRightToLookIsAskedFor) {
  server.command({"ACL", "SETUSER", "writer", "on", "nopass", "~0", "+zadd", "+ping"});
  RedisConfig config = relative();
  config.username = "writer";
  RedisStore store{config, 0};
  EXPECT_NE(trouble_of(store).find("NOPERM"), std::string::npos) << store.trouble();
  server.command({"ACL", "SETUSER", "writer", "+zrange"});
  EXPECT_EQ(outcome_of(store, batch_of(store, kNow, 1)).kind, Outcome::Kind::stored);
}

}  // namespace
}  // namespace valinor::exporter
