/// Exporter with stores of the test's own, which answer what the test wants.
#include "exporter/exporter.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <deque>
#include <new>

#include "base/failure.hpp"
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
  enum class Call { none, encode, ready, submit, poll };
  struct Orders {
    std::atomic<bool> ready{true};
    std::atomic<bool> ready_if_hurried{false};
    std::atomic<Call> out_of_memory{Call::none};
    std::atomic<Outcome::Kind> kind{Outcome::Kind::stored};
    std::atomic<std::size_t> collapsed{0};  // of each batch
  };
  explicit ScriptedStore(Orders& orders) : orders_{orders} {}

  std::string name() const override { return "scripted"; }
  void encode(const telemetry::RecordView&, std::vector<std::byte>& rows) const override {
    may_throw(Call::encode);
    rows.push_back(std::byte{1});
  }
  bool ready() override {
    may_throw(Call::ready);
    return orders_.ready || hurried_;
  }
  void hurry() override { hurried_ = orders_.ready_if_hurried; }
  std::string trouble() const override { return orders_.ready ? "" : "lost: by order"; }
  std::size_t max_in_flight() const override { return 4; }
  void submit(const Batch& batch) override {
    may_throw(Call::submit);
    unanswered_.push_back(batch.records);
  }
  std::optional<Outcome> poll(std::chrono::microseconds) override {
    may_throw(Call::poll);
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
  void may_throw(Call call) const {
    if (orders_.out_of_memory == call) throw std::bad_alloc{};
  }

  Orders& orders_;
  bool hurried_ = false;
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

/// What a replay relies on: its capture can wait.
class PatientExporterTest : public ExporterTest {
 protected:
  PatientExporterTest() {
    config.memory_bytes = 500;  // one byte a record
    config.when_full = WhenFull::wait;
    orders.ready = false;
  }
  bool is_full(const Exporter& exporter) {
    return eventually([&] { return exporter.stats().pending == 500; });
  }
};

TEST_F(PatientExporterTest, WhatExceedsTheMemoryIsStoredLater) {
  Exporter exporter = make();
  produce(ring, 0, 1000);
  EXPECT_TRUE(is_full(exporter));
  orders.ready = true;
  EXPECT_TRUE(eventually([&] { return exporter.stats().stored.value() == 1000; }));
  exporter.stop(soon());
  EXPECT_EQ(exporter.stats().all_lost(), 0u);
  EXPECT_TRUE(exporter.stats().balanced());
}

TEST_F(PatientExporterTest, StopStoresWhatWaitsInTheRing) {
  orders.ready_if_hurried = true;
  Exporter exporter = make();
  produce(ring, 0, 1234);
  EXPECT_TRUE(is_full(exporter));
  exporter.stop(soon());
  EXPECT_EQ(exporter.stats().stored.value(), 1234u);
  EXPECT_TRUE(exporter.stats().balanced());
}

TEST_F(PatientExporterTest, AtTheDeadlineWhatWaitsInTheRingIsUnflushedToo) {
  Exporter exporter = make();
  produce(ring, 0, 1234);
  EXPECT_TRUE(is_full(exporter));
  exporter.stop(Exporter::Clock::now());
  EXPECT_EQ(exporter.stats().received.value(), 1234u);
  EXPECT_EQ(exporter.stats().lost_by(LossReason::unflushed_at_stop).value(), 1234u);
  EXPECT_TRUE(exporter.stats().balanced());
}

TEST_F(PatientExporterTest, AStoreThatIsGivenUpIsWaitedForNoLonger) {
  Exporter exporter = make();
  produce(ring, 0, 1234);
  EXPECT_TRUE(is_full(exporter));
  exporter.stop_waiting();
  EXPECT_TRUE(eventually([&] { return exporter.stats().received.value() == 1234; }));
  EXPECT_EQ(exporter.stats().lost_by(LossReason::memory_full).value(), 734u);
}

/// Else a server that is back could stay unused until the deadline: back-off times reach 5 s.
TEST_F(ExporterTest, AStoreThatIsAwayIsTriedAtOnceAtTheStop) {
  orders.ready = false;
  orders.ready_if_hurried = true;
  Exporter exporter = make();
  produce(ring, 0, 777);
  EXPECT_TRUE(eventually([&] { return exporter.stats().pending == 777; }));
  exporter.stop(soon());
  EXPECT_EQ(exporter.stats().stored.value(), 777u);
}

TEST_F(ExporterTest, OutOfMemoryIsAFailureByNameAndTheBooksBalance) {
  using Call = ScriptedStore::Call;
  for (const Call call : {Call::encode, Call::ready, Call::submit, Call::poll}) {
    orders.out_of_memory = Call::none;
    Exporter exporter = make();
    produce(ring, 0, 100);
    EXPECT_TRUE(eventually([&] { return exporter.stats().stored.value() == 100; }));
    EXPECT_FALSE(exporter.failed());
    exporter.throw_if_failed();

    orders.out_of_memory = call;
    test::produce_all(ring, 100, 100'000);  // more than the ring holds
    exporter.stop(soon());
    EXPECT_TRUE(exporter.failed());
    EXPECT_EQ(exporter.stats().received.value(), 100'100u);
    EXPECT_EQ(exporter.stats().lost_by(LossReason::exporter_failed).value(), 100'000u);
    EXPECT_EQ(exporter.stats().pending, 0u);
    EXPECT_TRUE(exporter.stats().balanced());
    try {
      exporter.throw_if_failed();
      ADD_FAILURE() << "no failure";
    } catch (const Failure& failure) {
      EXPECT_EQ(failure.exit_status(), ExitStatus::internal_error);
      EXPECT_EQ(failure.finding().code, "EXPORT-FAIL-01");
      EXPECT_EQ(failure.finding().why, "there was no memory left");
    }
  }
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
