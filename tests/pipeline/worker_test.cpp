#include <gtest/gtest.h>

#include <vector>

#include "pipeline/worker_impl.hpp"
#include "scripted_port.hpp"
#include "support/packet_builder.hpp"

namespace valinor::pipeline {
namespace {

using telemetry::p4netintel::Layout;
using test::PacketBuilder;
using test::ScriptedPort;

test::Frame p4_frame(std::uint32_t rpc_id, std::uint32_t hops = 2) {
  std::vector<telemetry::HopRecord> records;
  for (std::uint32_t i = 0; i < hops; ++i) records.push_back(test::sample_hop(Layout::full, i));
  return PacketBuilder{}
      .ethernet()
      .p4netintel(Layout::full, records)
      .ipv4(17)
      .udp(4321, 1234)
      .rpc_id(rpc_id)
      .build();
}

WorkerConfig with_role(Role role) {
  WorkerConfig config;
  config.role = role;
  return config;
}

template <class P>
std::vector<Direction<P>> one_way(P& port, Role role) {
  return {{.in = &port, .out = &port, .treatment = from_network(role)}};
}

class WorkerTest : public testing::Test {
 protected:
  Worker<ScriptedPort>& worker(Role role, std::size_t ring_bytes = 1 << 20) {
    ring_ = std::make_unique<telemetry::RecordRing>(ring_bytes);
    worker_ = std::make_unique<Worker<ScriptedPort>>(with_role(role), 3, one_way(port, role),
                                                     WorkerContext{*ring_, timebase_});
    return *worker_;
  }

  std::vector<telemetry::PacketRecord> records() {
    std::vector<telemetry::PacketRecord> out;
    ring_->read([&](const telemetry::RecordView& view) {
      out.push_back(view.packet);
      return true;
    });
    ring_->release();
    return out;
  }

  /// frames received = transmitted + consumed + passed + each drop reason
  void expect_balance() {
    const WorkerStats& stats = worker_->stats();
    std::uint64_t sum = stats.transmitted.value() + stats.consumed.value() + stats.passed.value();
    for (const Counter& counter : stats.dropped) sum += counter.value();
    EXPECT_EQ(stats.received.value(), sum);
    EXPECT_TRUE(port.all_given_back());
  }

  std::uint64_t dropped(DropReason reason) {
    return worker_->stats().dropped[static_cast<std::size_t>(reason)].value();
  }

  ScriptedPort port;

 private:
  clock::SharedTimebase timebase_{clock::Timebase{}};
  std::unique_ptr<telemetry::RecordRing> ring_;
  std::unique_ptr<Worker<ScriptedPort>> worker_;
};

TEST_F(WorkerTest, CollectTakesTheRecordAndGivesTheFrameBack) {
  for (std::uint32_t id = 1; id <= 100; ++id) port.incoming.push_back(p4_frame(id));
  auto& it = worker(Role::collect);
  it.run({}, 0);
  EXPECT_EQ(it.stats().consumed.value(), 100u);
  EXPECT_EQ(it.stats().hops.value(), 200u);
  EXPECT_EQ(it.stats().bursts.value(), 2u);
  EXPECT_TRUE(port.sent.empty());
  const auto got = records();
  ASSERT_EQ(got.size(), 100u);
  for (std::uint32_t id = 1; id <= 100; ++id) {
    EXPECT_EQ(got[id - 1].rpc_id, id);
    EXPECT_EQ(got[id - 1].worker, 3u);
  }
  expect_balance();
}

TEST_F(WorkerTest, ReflectSendsEveryFrameBackInOrder) {
  for (std::uint32_t id = 1; id <= 70; ++id) port.incoming.push_back(p4_frame(id));
  worker(Role::reflect).run({}, 0);
  ASSERT_EQ(port.sent.size(), 70u);
  for (std::uint32_t id = 1; id <= 70; ++id) {
    test::Frame expected = p4_frame(id);
    EXPECT_NE(port.sent[id - 1], expected);
    EXPECT_TRUE(std::equal(expected.end() - 4, expected.end(), port.sent[id - 1].end() - 4));
  }
  expect_balance();
}

TEST_F(WorkerTest, WhatFindsNoRoomForSendingIsCountedAndRecycled) {
  port.transmit_room = 10;
  for (std::uint32_t id = 1; id <= 64; ++id) port.incoming.push_back(p4_frame(id));
  worker(Role::reflect).run({}, 0);
  EXPECT_EQ(dropped(DropReason::tx_full), 54u);
  EXPECT_EQ(records().size(), 64u) << "the packets arrived, whatever became of them";
  expect_balance();
}

TEST_F(WorkerTest, AFullRecordRingLosesRecordsNotPackets) {
  for (std::uint32_t id = 1; id <= 200; ++id) port.incoming.push_back(p4_frame(id));
  auto& it = worker(Role::reflect, 1);
  it.run({}, 0);
  EXPECT_EQ(port.sent.size(), 200u);
  const std::uint64_t lost = it.stats().records_ring_full.value();
  EXPECT_GT(lost, 0u);
  EXPECT_EQ(it.stats().records.value(), 200u);
  EXPECT_EQ(records().size(), 200 - lost);
  expect_balance();
}

TEST_F(WorkerTest, DamageIsDroppedUnderItsName) {
  test::Frame lie = p4_frame(1);
  wire::store_be<4>(lie.data() + 14, 1000);
  port.incoming.push_back(lie);
  test::Frame cut = p4_frame(1);
  cut.resize(16);
  port.incoming.push_back(cut);
  port.incoming.push_back(PacketBuilder{}.ethernet().ipv4(253).payload(10).build());
  port.incoming.push_back(PacketBuilder{}.ethernet().ipv4(17).udp(1, 2).build());  // plain
  worker(Role::reflect).run({}, 0);
  EXPECT_EQ(dropped(DropReason::hop_count), 1u);
  EXPECT_EQ(dropped(DropReason::truncated), 2u);
  EXPECT_TRUE(port.sent.empty());
  EXPECT_TRUE(records().empty());
  expect_balance();
}

TEST_F(WorkerTest, AnIdleTurnFlushesToo) {
  auto& it = worker(Role::collect);
  EXPECT_FALSE(it.turn());
  EXPECT_EQ(port.flushes, 1u);
}

}  // namespace
}  // namespace valinor::pipeline
