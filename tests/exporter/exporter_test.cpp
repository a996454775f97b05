/// Exporter with stores of the test's own, which answer what the test wants.
#include "exporter/exporter.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <deque>

#include "exporter/null_store.hpp"
#include "record_samples.hpp"

namespace valinor::exporter {
namespace {

using test::eventually;
using test::produce;
using test::soon;

/// Keeps one byte of each record and answers each batch by the present order.
class ScriptedStore final : public RecordStore {
 public:
  struct Orders {
    std::atomic<bool> ready{true};
    std::atomic<Outcome::Kind> kind{Outcome::Kind::stored};
    std::atomic<std::size_t> collapsed{0};  // of each batch
  };
  explicit ScriptedStore(Orders& orders) : orders_{orders} {}

  std::string name() const override { return "scripted"; }
  void encode(const telemetry::RecordView&, std::vector<std::byte>& rows) const override {
    rows.push_back(std::byte{1});
  }
  bool ready() override { return orders_.ready; }
  std::string trouble() const override { return orders_.ready ? "" : "lost: by order"; }
  std::size_t max_in_flight() const override { return 4; }
  void submit(const Batch& batch) override { unanswered_.push_back(batch.records); }
  std::optional<Outcome> poll(std::chrono::milliseconds) override {
    if (unanswered_.empty()) return std::nullopt;
    Outcome outcome{.kind = orders_.kind, .collapsed = 0, .reason = "ERR by order"};
    if (outcome.kind == Outcome::Kind::stored) {
      outcome.collapsed = std::min<std::size_t>(orders_.collapsed, unanswered_.front());
    }
    if (outcome.kind == Outcome::Kind::lost_link) {
      unanswered_.clear();
    } else {
      unanswered_.pop_front();
    }
    return outcome;
  }

 private:
  Orders& orders_;
  std::deque<std::size_t> unanswered_;
};

class ExporterTest : public testing::Test {
 protected:
  ExporterTest() {
    config.redis.batch_records = 10;
    config.batch_interval = std::chrono::milliseconds{1};
  }
  Exporter make() { return {config, std::make_unique<ScriptedStore>(orders), {ring}}; }

  ExporterConfig config;
  ScriptedStore::Orders orders;
  telemetry::RecordRing ring{1 << 20};
};

TEST_F(ExporterTest, StoresWhatComes) {
  Exporter exporter = make();
  produce(ring, 0, 1234);
  EXPECT_TRUE(eventually([&] { return exporter.stats().stored.value() == 1234; }));
  exporter.stop(soon());
  EXPECT_EQ(exporter.stats().bytes.value(), 1234u);
  EXPECT_GE(exporter.stats().batches.value(), 124u);
  EXPECT_TRUE(exporter.stats().balanced());
}

TEST_F(ExporterTest, StopEmptiesTheRingsFirst) {
  orders.ready = false;
  Exporter exporter = make();
  produce(ring, 0, 1000);
  orders.ready = true;
  exporter.stop(soon());
  EXPECT_EQ(exporter.stats().stored.value(), 1000u);
  EXPECT_TRUE(exporter.stats().balanced());
}

TEST_F(ExporterTest, CountsCollapsedRecordsApart) {
  orders.collapsed = 3;
  Exporter exporter = make();
  produce(ring, 0, 1000);
  exporter.stop(soon());
  const ExporterStats& stats = exporter.stats();
  EXPECT_GE(stats.collapsed.value(), 300u);
  EXPECT_EQ(stats.stored.value() + stats.collapsed.value(), 1000u);
  EXPECT_TRUE(stats.balanced());
}

TEST_F(ExporterTest, RejectedBatchesAreLostByThatName) {
  orders.kind = Outcome::Kind::rejected;
  Exporter exporter = make();
  produce(ring, 0, 100);
  EXPECT_TRUE(
      eventually([&] { return exporter.stats().lost_by(LossReason::rejected).value() == 100; }));
  exporter.stop(soon());
  EXPECT_TRUE(exporter.stats().balanced());
}

TEST_F(ExporterTest, RefusedAndLostBatchesAreTriedAgain) {
  for (const auto kind : {Outcome::Kind::refused, Outcome::Kind::lost_link}) {
    orders.kind = kind;
    Exporter exporter = make();
    produce(ring, 0, 1000);
    EXPECT_TRUE(eventually([&] { return exporter.stats().pending == 1000; }));
    orders.kind = Outcome::Kind::stored;
    exporter.stop(soon());
    EXPECT_EQ(exporter.stats().stored.value(), 1000u);
    EXPECT_TRUE(exporter.stats().balanced());
  }
}

TEST_F(ExporterTest, WhatExceedsTheMemoryIsLostAndTheRingGoesOn) {
  orders.ready = false;
  config.memory_bytes = 500;  // one byte a record
  Exporter exporter = make();
  test::produce_all(ring, 0, 100'000);  // more than the ring holds
  EXPECT_TRUE(eventually([&] { return exporter.stats().received.value() == 100'000; }));
  EXPECT_EQ(exporter.stats().lost_by(LossReason::memory_full).value(), 99'500u);
  orders.ready = true;
  exporter.stop(soon());
  EXPECT_EQ(exporter.stats().stored.value(), 500u);
  EXPECT_TRUE(exporter.stats().balanced());
}

TEST_F(ExporterTest, WhatIsLeftAtTheDeadlineIsLostByThatName) {
  orders.ready = false;
  Exporter exporter = make();
  produce(ring, 0, 777);
  exporter.stop(Exporter::Clock::now());
  EXPECT_EQ(exporter.stats().lost_by(LossReason::unflushed_at_stop).value(), 777u);
  EXPECT_EQ(exporter.stats().pending, 0u);
  EXPECT_TRUE(exporter.stats().balanced());
  exporter.stop(soon());  // does nothing
}

TEST_F(ExporterTest, TheNullStoreAcknowledgesEverything) {
  Exporter exporter{config, std::make_unique<NullStore>(), {ring}};
  produce(ring, 0, 1000);
  exporter.stop(soon());
  EXPECT_EQ(exporter.stats().stored.value(), 1000u);
  EXPECT_TRUE(exporter.stats().balanced());
}

TEST_F(ExporterTest, TwoProducersOneExporter) {
  constexpr std::size_t kEach = 50'000;
  telemetry::RecordRing other{1 << 16};
  Exporter exporter{config, std::make_unique<ScriptedStore>(orders), {ring, other}};
  {
    const std::jthread first{[&] { test::produce_all(ring, 0, kEach); }};
    const std::jthread second{[&] { test::produce_all(other, kEach, kEach); }};
  }
  exporter.stop(soon());
  EXPECT_EQ(exporter.stats().stored.value(), 2 * kEach);
  EXPECT_TRUE(exporter.stats().balanced());
}

}  // namespace
}  // namespace valinor::exporter
