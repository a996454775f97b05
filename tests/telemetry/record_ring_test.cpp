#include "telemetry/record_ring.hpp"

#include <gtest/gtest.h>
#include <poll.h>

#include <chrono>
#include <deque>
#include <random>
#include <thread>

namespace valinor::telemetry {
namespace {

/// A record that says its number in every part that moves with it.
bool push(RecordRing& ring, std::uint32_t number, std::uint16_t hops, std::uint16_t room) {
  const RecordSlot slot = ring.reserve(room);
  if (slot.packet == nullptr) return false;
  slot.packet->rpc_id = number;
  slot.packet->hop_count = hops;
  for (std::uint16_t i = 0; i < hops; ++i) {
    slot.hops[i] = {};
    slot.hops[i].node_id = number + i;
  }
  ring.commit(slot);
  return true;
}

void expect_record(const RecordView& view, std::uint32_t number) {
  ASSERT_EQ(view.packet.rpc_id, number);
  for (std::size_t i = 0; i < view.hops.size(); ++i) {
    ASSERT_EQ(view.hops[i].node_id, number + i);
  }
}

TEST(RecordRing, KeepsOrderAndContentOverManyWraps) {
  RecordRing ring{1};  // one page
  std::mt19937 random{7};
  std::deque<std::uint32_t> expected;
  std::uint32_t next = 0;
  for (int step = 0; step < 200'000; ++step) {
    const auto hops = static_cast<std::uint16_t>(random() % 9);
    if (random() % 2 == 0) {
      if (push(ring, next, hops, 9)) expected.push_back(next++);
    } else {
      ring.publish();
      const std::size_t limit = random() % 4;
      std::size_t count = 0;
      ring.read([&](const RecordView& view) {
        if (count == limit) return false;
        expect_record(view, expected[count]);
        ++count;
        return true;
      });
      ring.release();
      expected.erase(expected.begin(), expected.begin() + static_cast<std::ptrdiff_t>(count));
    }
  }
  EXPECT_GT(next, 50'000u);
}

TEST(RecordRing, RoomIsWhatCertainlyFits) {
  RecordRing ring{1};
  const std::size_t room = ring.room(9);
  EXPECT_EQ(room, ring.capacity() / (sizeof(PacketRecord) + 9 * sizeof(HopRecord)));
  for (std::uint32_t number = 0; number < room; ++number) EXPECT_TRUE(push(ring, number, 9, 9));
  EXPECT_EQ(ring.room(9), 0u);
  EXPECT_FALSE(push(ring, 0, 9, 9));
  ring.publish();
  ring.read([](const RecordView&) { return true; });
  EXPECT_EQ(ring.room(9), 0u) << "not released yet";
  ring.release();
  EXPECT_EQ(ring.room(9), room);
}

TEST(RecordRing, FullSaysNoAndLosesNothingThatItHolds) {
  RecordRing ring{1};
  std::uint32_t pushed = 0;
  while (push(ring, pushed, 3, 3)) ++pushed;
  EXPECT_EQ(pushed, ring.capacity() / (sizeof(PacketRecord) + 3 * sizeof(HopRecord)));
  ring.publish();
  std::uint32_t number = 0;
  const std::size_t taken = ring.read([&](const RecordView& view) {
    expect_record(view, number++);
    return true;
  });
  EXPECT_EQ(taken, pushed);
  EXPECT_FALSE(push(ring, 0, 3, 3)) << "memory is the reader's until release()";
  ring.release();
  EXPECT_TRUE(push(ring, 0, 3, 3));
}

TEST(RecordRing, ShowsNothingBeforePublish) {
  RecordRing ring{1};
  ASSERT_TRUE(push(ring, 1, 0, 0));
  EXPECT_EQ(ring.read([](const RecordView&) { return true; }), 0u);
  ring.publish();
  EXPECT_EQ(ring.read([](const RecordView&) { return true; }), 1u);
}

/// Moves `count` records without hops through the ring, to the last byte of the reader.
void pass_through(RecordRing& ring, std::uint32_t count) {
  for (std::uint32_t number = 0; number < count; ++number) ASSERT_TRUE(push(ring, number, 0, 0));
  ring.publish();
  std::uint32_t expected = 0;
  ring.read([&](const RecordView& view) {
    expect_record(view, expected++);
    return true;
  });
  EXPECT_EQ(ring.release(), count * sizeof(PacketRecord));
  EXPECT_EQ(expected, count);
}

TEST(RecordRing, WritesOnFromTheStartWhereAllIsRead) {
  RecordRing ring{1 << 20};
  const auto address = [&] { return ring.reserve(0).packet; };
  const PacketRecord* const start = address();
  const std::uint32_t all = static_cast<std::uint32_t>(ring.capacity() / sizeof(PacketRecord));
  pass_through(ring, all / 2);
  EXPECT_EQ(address(), start + all / 2) << "nobody asked for it";
  ring.restart_if_empty();
  EXPECT_EQ(address(), start);
  EXPECT_EQ(ring.room(0), all) << "what was skipped is free";
  pass_through(ring, all);  // as much as fits, and the reader finds its start
}

TEST(RecordRing, WritesOnWhereItIsWhileSomethingIsUnread) {
  RecordRing ring{1 << 20};
  const std::uint32_t half = static_cast<std::uint32_t>(ring.capacity() / sizeof(PacketRecord) / 2);
  for (std::uint32_t number = 0; number < half; ++number) ASSERT_TRUE(push(ring, number, 0, 0));
  const PacketRecord* const next = ring.reserve(0).packet;
  ring.restart_if_empty();
  EXPECT_EQ(ring.reserve(0).packet, next) << "not published";
  ring.publish();
  ring.restart_if_empty();
  EXPECT_EQ(ring.reserve(0).packet, next) << "not read";
  ring.read([](const RecordView&) { return true; });
  ring.restart_if_empty();
  EXPECT_EQ(ring.reserve(0).packet, next) << "not released";
  ring.release();
  ring.restart_if_empty();
  EXPECT_NE(ring.reserve(0).packet, next);
}

bool is_raised(const WakeEvent& event) {
  pollfd source{.fd = event.fd(), .events = POLLIN, .revents = 0};
  return ::poll(&source, 1, 0) == 1;
}

void publish(RecordRing& ring, std::uint32_t count) {
  for (std::uint32_t number = 0; number < count; ++number) ASSERT_TRUE(push(ring, number, 0, 0));
  ring.publish();
}

TEST(RecordRing, CallsOnceWhenAsMuchAsWasAskedForWaits) {
  RecordRing ring{1 << 20};
  const WakeEvent event;
  ring.call_at(10 * sizeof(PacketRecord), event);
  publish(ring, 9);
  EXPECT_FALSE(is_raised(event));
  publish(ring, 1);
  EXPECT_TRUE(is_raised(event));
  event.clear();
  publish(ring, 20);
  EXPECT_FALSE(is_raised(event)) << "it was called";

  ring.call_at(10 * sizeof(PacketRecord), event);
  EXPECT_FALSE(is_raised(event)) << "the producer does not know yet";
  publish(ring, 1);
  EXPECT_TRUE(is_raised(event));
  event.clear();

  ring.call_at(10 * sizeof(PacketRecord), event);
  ring.call_off();
  publish(ring, 1);
  EXPECT_FALSE(is_raised(event));
}

TEST(RecordRing, CallsForNothingThatIsReadOrSkipped) {
  RecordRing ring{1 << 20};
  const WakeEvent event;
  pass_through(ring, static_cast<std::uint32_t>(ring.capacity() / sizeof(PacketRecord) / 2));
  ring.call_at(10 * sizeof(PacketRecord), event);
  publish(ring, 5);
  EXPECT_FALSE(is_raised(event)) << "what came before is read and released";
  ring.read([](const RecordView&) { return true; });
  ring.release();
  ring.restart_if_empty();
  publish(ring, 5);
  EXPECT_FALSE(is_raised(event)) << "what was skipped is nothing to read";
  publish(ring, 5);
  EXPECT_TRUE(is_raised(event));
}

/// One thread writes, this one reads: all the time, or when it is called.
void race(RecordRing& ring, bool waits) {
  constexpr std::uint32_t kRecords = 300'000;
  constexpr std::chrono::seconds kTooLong{30};
  const WakeEvent event;
  std::jthread producer{[&] {
    for (std::uint32_t number = 0; number < kRecords;) {
      if (number % 7 == 1) ring.restart_if_empty();
      if (push(ring, number, static_cast<std::uint16_t>(number % 5), 5)) {
        ++number;
      } else {
        std::this_thread::yield();
      }
      if (waits || number % 7 == 0) ring.publish();
    }
    ring.publish();
    event.raise();
  }};
  std::uint32_t expected = 0;
  while (expected < kRecords) {
    const std::size_t taken = ring.read([&](const RecordView& view) {
      expect_record(view, expected++);
      return true;
    });
    ring.release();
    if (taken != 0 || expected == kRecords) continue;
    if (!waits) {
      std::this_thread::yield();
      continue;
    }
    ring.call_at(ring.capacity() / 2, event);
    const auto began = std::chrono::steady_clock::now();
    event.wait(kTooLong);
    ASSERT_LT(std::chrono::steady_clock::now() - began, kTooLong) << "a call was lost";
  }
}

TEST(RecordRing, TwoThreadsSeeEveryRecordOnceAndInOrder) {
  RecordRing often_full{1 << 14};
  race(often_full, false);
  RecordRing restarting{1 << 20};
  race(restarting, false);
}

TEST(RecordRing, WhoeverWaitsForACallMissesNone) {
  RecordRing often_full{1 << 14};
  race(often_full, true);
  RecordRing restarting{1 << 20};
  race(restarting, true);
}

}  // namespace
}  // namespace valinor::telemetry
