#include "exporter/batch_queue.hpp"

#include <gtest/gtest.h>

namespace valinor::exporter {
namespace {

void add(BatchQueue& queue, int records, int first = 0) {
  for (int i = 0; i < records; ++i) {
    queue.add([&](std::vector<std::byte>& rows) { rows.push_back(std::byte(first + i)); });
  }
}

TEST(BatchQueue, SealsAFullBatch) {
  BatchQueue queue{2};
  add(queue, 3);
  EXPECT_TRUE(queue.has_waiting());
  EXPECT_TRUE(queue.has_open());
  EXPECT_EQ(queue.records(), 3u);
  EXPECT_EQ(queue.bytes(), 3u);
  EXPECT_EQ(queue.submit_next().records, 2u);
  EXPECT_FALSE(queue.has_waiting());
}

TEST(BatchQueue, ForgetsASettledBatch) {
  BatchQueue queue{2};
  add(queue, 2);
  (void)queue.submit_next();
  EXPECT_EQ(queue.settle_oldest().records, 2u);
  EXPECT_EQ(queue.records(), 0u);
  EXPECT_EQ(queue.bytes(), 0u);
  EXPECT_EQ(queue.in_flight(), 0u);
}

TEST(BatchQueue, ARefusedBatchWaitsAgainBehindThoseInFlight) {
  BatchQueue queue{1};
  add(queue, 3);
  (void)queue.submit_next();
  (void)queue.submit_next();
  queue.return_oldest();
  EXPECT_EQ(queue.in_flight(), 1u);
  EXPECT_EQ(queue.settle_oldest().rows.front(), std::byte{1});
  const Batch& again = queue.submit_next();
  EXPECT_EQ(again.rows.front(), std::byte{0});
  EXPECT_FALSE(again.maybe_stored);  // the store said that it had not stored it
  EXPECT_EQ(queue.records(), 2u);
}

TEST(BatchQueue, AfterALostLinkWhatWasInFlightMayBeStored) {
  BatchQueue queue{1};
  add(queue, 2);
  (void)queue.submit_next();
  queue.return_all();
  EXPECT_EQ(queue.in_flight(), 0u);
  EXPECT_TRUE(queue.submit_next().maybe_stored);
  EXPECT_FALSE(queue.submit_next().maybe_stored);
}

}  // namespace
}  // namespace valinor::exporter
