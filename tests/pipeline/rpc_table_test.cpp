#include "pipeline/rpc_table.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <deque>
#include <latch>
#include <map>
#include <random>
#include <thread>
#include <vector>

namespace valinor::pipeline {
namespace {

using namespace std::chrono_literals;
using telemetry::kMaxTracesBytes;
using telemetry::p4netintel::Layout;
using telemetry::p4netintel::trace_bytes;

static_assert(noexcept(std::declval<RpcTable&>().remember({}, {}, {}, {})));
static_assert(noexcept(std::declval<RpcTable&>().answer({}, {}, {})));

RpcKey key(std::uint32_t rpc_id, std::uint16_t source_port = 4321) {
  RpcKey key{.flow = {}, .rpc_id = rpc_id};
  key.flow.source[15] = std::byte{1};
  key.flow.destination[15] = std::byte{2};
  key.flow.source_port = source_port;
  key.flow.destination_port = 1234;
  key.flow.protocol = 17;
  return key;
}

HostTime at(Nanos time) { return {time}; }

std::vector<std::byte> traces_of(Layout layout, std::size_t traces, std::uint8_t fill) {
  return std::vector<std::byte>(traces * trace_bytes(layout), std::byte{fill});
}

struct Reply {
  std::optional<RpcAnswer> answer;
  std::vector<std::byte> traces = std::vector<std::byte>(kMaxTracesBytes);
};

Reply reply_to(RpcTable& table, const RpcKey& request, Nanos now) {
  Reply reply;
  reply.answer = table.answer(reversed(request), at(now), reply.traces);
  reply.traces.resize(reply.answer ? reply.answer->traces_bytes : 0);
  return reply;
}

TEST(RpcTable, ReplyFindsItsRequestBySwappedAddressesAndPorts) {
  RpcTable table{{}};
  const auto traces = traces_of(Layout::full, 20, 7);
  ASSERT_TRUE(table.remember(key(5), Layout::full, traces, at(1s)));
  const Reply reply = reply_to(table, key(5), 1s + 250us);
  ASSERT_TRUE(reply.answer);
  EXPECT_EQ(reply.answer->layout, Layout::full);
  EXPECT_EQ(reply.answer->traces, 20u);
  EXPECT_EQ(reply.answer->requests, 1u);
  EXPECT_EQ(reply.answer->since_first_request, 250us);
  EXPECT_EQ(reply.traces, traces);

  std::vector<std::byte> buffer(kMaxTracesBytes);
  EXPECT_FALSE(table.answer(key(5), at(1s), buffer)) << "the request's own direction";
  EXPECT_FALSE(reply_to(table, key(6), 1s).answer) << "another id";
  EXPECT_FALSE(reply_to(table, key(5, 99), 1s).answer) << "another flow";
  RpcKey tcp = key(5);
  tcp.flow.protocol = 6;
  EXPECT_FALSE(reply_to(table, tcp, 1s).answer) << "another protocol";
  EXPECT_EQ(table.totals().answered, 1u);
  EXPECT_EQ(table.totals().unknown, 4u);
}

TEST(RpcTable, RetransmittedRequestKeepsItsFirstTimeAndBringsItsTraces) {
  // P4NetIntel forgets the first time when an id is repeated, and then reports the absolute
  // kernel time as time spent in the host.
  RpcTable table{{}};
  ASSERT_TRUE(table.remember(key(5), Layout::full, traces_of(Layout::full, 3, 1), at(1s)));
  const auto newest = traces_of(Layout::standard, 2, 2);
  ASSERT_TRUE(table.remember(key(5), Layout::standard, newest, at(2s)));
  for (int retransmission = 0; retransmission < 2; ++retransmission) {
    const Reply reply = reply_to(table, key(5), 3s);
    ASSERT_TRUE(reply.answer);
    EXPECT_EQ(reply.answer->since_first_request, 2s);
    EXPECT_EQ(reply.answer->requests, 2u);
    EXPECT_EQ(reply.answer->layout, Layout::standard);
    EXPECT_EQ(reply.answer->traces, 2u);
    EXPECT_EQ(reply.traces, newest);
  }
  EXPECT_EQ(table.totals().remembered, 1u);
  EXPECT_EQ(table.totals().repeated, 1u);
}

TEST(RpcTable, RequestsWithoutTracesHaveATimeAllTheSame) {
  RpcTable table{{}};
  ASSERT_TRUE(table.remember(key(5), Layout::full, {}, at(1s)));
  const Reply reply = reply_to(table, key(5), 2s);
  ASSERT_TRUE(reply.answer);
  EXPECT_EQ(reply.answer->traces, 0u);
  EXPECT_EQ(reply.answer->since_first_request, 1s);
}

TEST(RpcTable, RefusesIdZeroAndMoreTracesThanSwitchesStack) {
  RpcTable table{{}};
  EXPECT_FALSE(table.remember(key(0), Layout::full, {}, at(1s)));
  EXPECT_FALSE(reply_to(table, key(0), 1s).answer);
  EXPECT_FALSE(
      table.remember(key(1), Layout::depth_only, traces_of(Layout::depth_only, 21, 0), at(1s)));
  EXPECT_EQ(table.totals().refused, 2u);
  EXPECT_EQ(table.totals().remembered, 0u);
}

TEST(RpcTable, ABufferTooSmallIsLeftAlone) {
  RpcTable table{{}};
  ASSERT_TRUE(table.remember(key(5), Layout::full, traces_of(Layout::full, 2, 3), at(1s)));
  std::vector<std::byte> small(143, std::byte{9});
  EXPECT_FALSE(table.answer(reversed(key(5)), at(1s), small));
  EXPECT_EQ(small, std::vector<std::byte>(143, std::byte{9}));
}

TEST(RpcTable, TheOldestMakesRoom) {
  RpcTable table{{.entries = 4, .shards = 1}};
  for (std::uint32_t id = 1; id <= 4; ++id) {
    ASSERT_TRUE(table.remember(key(id), Layout::full, {}, at(Nanos{id})));
  }
  EXPECT_TRUE(reply_to(table, key(1), Nanos{9}).answer) << "which does not make it younger";
  EXPECT_TRUE(table.remember(key(1), Layout::full, {}, at(Nanos{10}))) << "nor does this";
  ASSERT_TRUE(table.remember(key(5), Layout::full, {}, at(Nanos{11})));
  ASSERT_TRUE(table.remember(key(6), Layout::full, {}, at(Nanos{12})));
  EXPECT_FALSE(reply_to(table, key(1), Nanos{13}).answer);
  EXPECT_FALSE(reply_to(table, key(2), Nanos{13}).answer);
  EXPECT_TRUE(reply_to(table, key(3), Nanos{13}).answer);
  EXPECT_EQ(table.totals().evicted_full, 2u);
  EXPECT_EQ(table.totals().never_answered, 1u);
}

TEST(RpcTable, AnOldIdIsANewRequest) {
  RpcTable table{{.entries = 4, .max_age = 10s, .shards = 1}};
  ASSERT_TRUE(table.remember(key(5), Layout::full, {}, at(1s)));
  EXPECT_TRUE(reply_to(table, key(5), 11s).answer);
  EXPECT_FALSE(reply_to(table, key(5), 11s + 1ns).answer);
  EXPECT_EQ(table.totals().evicted_age, 1u);
  ASSERT_TRUE(table.remember(key(5), Layout::full, {}, at(12s)));
  const Reply reply = reply_to(table, key(5), 13s);
  ASSERT_TRUE(reply.answer);
  EXPECT_EQ(reply.answer->since_first_request, 1s);
  EXPECT_EQ(reply.answer->requests, 1u);
}

TEST(RpcTable, AClockSteppedBackGivesNoNegativeTime) {
  RpcTable table{{}};
  ASSERT_TRUE(table.remember(key(5), Layout::full, {}, at(100s)));
  const Reply reply = reply_to(table, key(5), 1s);
  ASSERT_TRUE(reply.answer);
  EXPECT_EQ(reply.answer->since_first_request, 0s);
}

TEST(RpcTable, RoundsUpAndSaysWhatItTakes) {
  const RpcTable table{{.entries = 100, .shards = 3}};
  EXPECT_EQ(table.capacity(), 100u);
  EXPECT_EQ(RpcTable({.entries = 101, .shards = 4}).capacity(), 104u);
  EXPECT_EQ(RpcTable({.entries = 0, .shards = 0}).capacity(), 1u);
  EXPECT_GT(table.memory_bytes(), 100 * kMaxTracesBytes);
  EXPECT_LT(table.memory_bytes(), 100 * (kMaxTracesBytes + 200) + 4096);
}

/// What the table should do, done the slow way.
struct Model {
  struct Entry {
    Nanos first;
    std::uint64_t requests = 0;
    Layout layout{};
    std::vector<std::byte> traces;
    bool answered = false;
  };
  using Key = std::pair<std::uint32_t, std::uint16_t>;

  void forget(const Key& which, std::uint64_t& why) {
    ++why;
    if (!entries[which].answered) ++totals.never_answered;
    entries.erase(which);
    order.erase(std::find(order.begin(), order.end(), which));
  }
  void age(Nanos now) {
    while (!order.empty() && now - entries[order.front()].first > max_age) {
      forget(order.front(), totals.evicted_age);
    }
  }
  void remember(const Key& which, Layout layout, std::vector<std::byte> traces, Nanos now) {
    age(now);
    if (!entries.contains(which)) {
      if (entries.size() == capacity) forget(order.front(), totals.evicted_full);
      entries[which].first = now;
      order.push_back(which);
      ++totals.remembered;
    } else {
      ++totals.repeated;
    }
    Entry& entry = entries[which];
    ++entry.requests;
    entry.layout = layout;
    entry.traces = std::move(traces);
  }
  Entry* answer(const Key& which, Nanos now) {
    age(now);
    const auto found = entries.find(which);
    ++(found == entries.end() ? totals.unknown : totals.answered);
    if (found == entries.end()) return nullptr;
    found->second.answered = true;
    return &found->second;
  }

  std::size_t capacity;
  Nanos max_age;
  std::map<Key, Entry> entries{};
  std::deque<Key> order{};
  RpcTableTotals totals{};
};

TEST(RpcTable, DoesAsTheModelDoes) {
  std::mt19937 random{71};
  for (const std::size_t capacity : {1u, 2u, 7u, 32u, 200u}) {
    Model model{.capacity = capacity, .max_age = Nanos{500}};
    RpcTable table{{.entries = capacity, .max_age = Nanos{500}, .shards = 1}};
    Nanos now{0};
    for (int step = 0; step < 40'000; ++step) {
      now += Nanos{random() % 8};
      if (random() % 2000 == 0) now += Nanos{400};
      const Model::Key which{static_cast<std::uint32_t>(1 + random() % 60),
                             static_cast<std::uint16_t>(random() % 3)};
      const RpcKey request = key(which.first, which.second);
      if (random() % 2 == 0) {
        const Layout layout = static_cast<Layout>(random() % 4);
        const auto traces = traces_of(layout, random() % 21, static_cast<std::uint8_t>(random()));
        ASSERT_TRUE(table.remember(request, layout, traces, at(now)));
        model.remember(which, layout, traces, now);
      } else {
        const Model::Entry* expected = model.answer(which, now);
        const Reply reply = reply_to(table, request, now);
        ASSERT_EQ(reply.answer.has_value(), expected != nullptr) << step;
        if (expected == nullptr) continue;
        ASSERT_EQ(reply.traces, expected->traces);
        ASSERT_EQ(reply.answer->layout, expected->layout);
        ASSERT_EQ(reply.answer->traces * trace_bytes(expected->layout), expected->traces.size());
        ASSERT_EQ(reply.answer->requests, expected->requests);
        ASSERT_EQ(reply.answer->since_first_request, now - expected->first);
      }
    }
    for (const Nanos end : {now, now + Nanos{501}}) {
      table.evict_aged(at(end));
      model.age(end);
      const RpcTableTotals totals = table.totals();
      EXPECT_EQ(totals.remembered, model.totals.remembered);
      EXPECT_EQ(totals.repeated, model.totals.repeated);
      EXPECT_EQ(totals.answered, model.totals.answered);
      EXPECT_EQ(totals.unknown, model.totals.unknown);
      EXPECT_EQ(totals.evicted_full, model.totals.evicted_full);
      EXPECT_EQ(totals.evicted_age, model.totals.evicted_age);
      EXPECT_EQ(totals.never_answered, model.totals.never_answered);
    }
    EXPECT_EQ(table.totals().remembered, table.totals().evicted_full + table.totals().evicted_age);
  }
}

TEST(RpcTable, ManyShardsHoldNearlyAllOfTheirCapacity) {
  // Flows spread by hash, so the fullest shard is full a little before the others.
  RpcTable table{{.entries = 8192, .shards = 64}};
  for (std::uint32_t id = 1; id <= 6000; ++id) {
    ASSERT_TRUE(table.remember(key(id), Layout::full, {}, at(1s)));
  }
  EXPECT_EQ(table.totals().evicted_full, 0u);
  std::size_t found = 0;
  for (std::uint32_t id = 1; id <= 6000; ++id) found += reply_to(table, key(id), 1s).answer ? 1 : 0;
  EXPECT_EQ(found, 6000u);
}

TEST(RpcTable, RequestsAndRepliesOnDifferentThreads) {
  // Every byte of a request's traces is the same, and its number of traces follows from it: an
  // answer that mixes two requests shows.
  RpcTable table{{.entries = 64, .max_age = Nanos{3000}, .shards = 2}};
  constexpr std::uint32_t kCalls = 60'000;
  std::atomic<std::int64_t> clock{0};
  std::atomic<std::uint64_t> wrong{0};
  std::array<std::uint32_t, 3> checked{};
  // So that replies find something however the threads are scheduled.
  for (std::uint32_t id = 1; id <= 50; ++id) {
    table.remember(key(id), Layout::full, traces_of(Layout::full, 1, 1), at(Nanos{0}));
  }
  std::latch start{3};
  const auto run = [&](unsigned seed, bool replies_only) {
    std::mt19937 random{seed};
    std::vector<std::byte> buffer(kMaxTracesBytes);
    start.arrive_and_wait();
    for (std::uint32_t call = 0; call < kCalls; ++call) {
      const Nanos now{clock.fetch_add(1)};
      const RpcKey request = key(static_cast<std::uint32_t>(1 + random() % 100));
      if (!replies_only && random() % 4 != 0) {
        const auto fill = static_cast<std::uint8_t>(random());
        table.remember(request, Layout::full, traces_of(Layout::full, fill % 21u, fill), at(now));
        continue;
      }
      const auto answer = table.answer(reversed(request), at(now), buffer);
      if (!answer || answer->traces == 0) continue;
      ++checked[seed];
      const auto fill = std::to_integer<std::uint8_t>(buffer[0]);
      const auto end = buffer.begin() + static_cast<std::ptrdiff_t>(answer->traces_bytes);
      if (fill % 21u != answer->traces ||
          std::count(buffer.begin(), end, buffer[0]) != end - buffer.begin()) {
        ++wrong;
      }
    }
  };
  {
    std::jthread requests{run, 0u, false};
    std::jthread more_requests{run, 1u, false};
    std::jthread replies{run, 2u, true};
    for (int i = 0; i < 1000; ++i) {
      ASSERT_LE(table.totals().answered, 3u * kCalls);  // read while others count
    }
  }
  EXPECT_EQ(wrong.load(), 0u);
  table.evict_aged(at(Nanos{clock.load()} + Nanos{3001}));
  const RpcTableTotals totals = table.totals();
  EXPECT_EQ(totals.remembered + totals.repeated + totals.answered + totals.unknown + totals.busy,
            3u * kCalls + 50u);
  EXPECT_EQ(totals.remembered, totals.evicted_full + totals.evicted_age);
  for (const std::uint32_t answers : checked) EXPECT_GT(answers, 0u);
  RecordProperty("busy", static_cast<int>(totals.busy));
}

}  // namespace
}  // namespace valinor::pipeline
