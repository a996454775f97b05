/// What tests of RedisStore by itself begin with: a real server, a batch, and what becomes of it.
#pragma once

#include <gtest/gtest.h>

#include "base/failure.hpp"
#include "exporter/redis_access.hpp"
#include "exporter/redis_store.hpp"
#include "record_samples.hpp"
#include "support/redis_server.hpp"

namespace valinor::exporter::test {

using valinor::test::RedisServer;

class RedisStoreTest : public testing::Test {
 protected:
  void SetUp() override {
    if (!valinor::test::has_redis_server()) GTEST_SKIP() << "redis-server is not installed";
  }

  static RedisConfig config_for(const RedisServer& server) {
    RedisConfig config;
    config.address = server.address();
    config.backoff_max = std::chrono::milliseconds{100};
    return config;
  }

  /// Of reading the files that it names: what a user would be told.
  static std::string failure_of(const RedisConfig& config) {
    try {
      (void)read_access(config);
    } catch (const Failure& failure) {
      return failure.finding().to_text();
    }
    return "no failure";
  }

  static Batch batch_of(const RedisStore& store, std::uint64_t first, std::size_t count) {
    Batch batch;
    for (std::size_t i = 0; i < count; ++i) {
      const telemetry::PacketRecord record = valinor_record(first + i);
      store.encode({record, {}}, batch.rows);
    }
    batch.records = count;
    return batch;
  }

  static Outcome outcome_of(RedisStore& store, const Batch& batch) {
    EXPECT_TRUE(eventually([&] { return store.ready(); })) << store.trouble();
    store.submit(batch);
    const std::optional<Outcome> outcome = store.poll(std::chrono::milliseconds{30'000});
    return outcome.value_or(Outcome{.kind = Outcome::Kind::lost_link, .reason = "no outcome"});
  }

  /// Submits the batch again and again, as an Exporter does, until it is stored or rejected.
  static Outcome store_at_last(RedisStore& store, Batch batch) {
    const auto limit = Exporter::Clock::now() + std::chrono::seconds{60};
    Outcome outcome = outcome_of(store, batch);
    while (outcome.kind != Outcome::Kind::stored && outcome.kind != Outcome::Kind::rejected &&
           Exporter::Clock::now() < limit) {
      batch.maybe_stored |= outcome.kind == Outcome::Kind::lost_link;
      outcome = outcome_of(store, batch);
    }
    return outcome;
  }

  /// What is wrong, once the store has tried.
  static std::string trouble_of(RedisStore& store) {
    EXPECT_TRUE(eventually([&] { return !store.ready() && !store.trouble().empty(); }));
    return store.trouble();
  }
};

}  // namespace valinor::exporter::test
