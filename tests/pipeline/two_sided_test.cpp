#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <memory>

#include "pipeline/worker_impl.hpp"
#include "scripted_port.hpp"
#include "support/packet_builder.hpp"
#include "telemetry/flow.hpp"

namespace valinor::pipeline {
namespace {

using telemetry::EditResult;
using telemetry::p4netintel::Layout;
using test::PacketBuilder;
using test::ScriptedPort;
using Bytes = test::Frame;

constexpr std::uint32_t kMtu = 1500;

std::vector<telemetry::HopRecord> some_hops(std::uint32_t count, Layout layout = Layout::standard) {
  std::vector<telemetry::HopRecord> hops;
  for (std::uint32_t i = 0; i < count; ++i) hops.push_back(test::sample_hop(layout, i));
  return hops;
}

Bytes plain(std::uint32_t rpc_id, std::size_t payload = 20) {
  return PacketBuilder{}
      .ethernet()
      .ipv4(17)
      .udp(4321, 1234)
      .rpc_id(rpc_id)
      .payload(payload)
      .build();
}

Bytes request(std::uint32_t rpc_id, std::uint32_t hops, std::size_t payload = 20) {
  return PacketBuilder{}
      .ethernet()
      .p4netintel(Layout::standard, some_hops(hops))
      .ipv4(17)
      .udp(4321, 1234)
      .rpc_id(rpc_id)
      .payload(payload)
      .build();
}

/// The plain answer of an echo server to plain(rpc_id).
Bytes reply(std::uint32_t rpc_id, std::size_t payload = 20) {
  Bytes frame = plain(rpc_id, payload);
  std::swap_ranges(frame.begin(), frame.begin() + 6, frame.begin() + 6);
  std::swap_ranges(frame.begin() + 26, frame.begin() + 30, frame.begin() + 30);
  std::swap_ranges(frame.begin() + 34, frame.begin() + 36, frame.begin() + 36);
  return frame;
}

struct Decoded {
  DropReason reason;
  telemetry::PacketRecord packet;
  std::vector<telemetry::HopRecord> hops;
};

Decoded decode(const Bytes& frame) {
  Decoded out{DropReason::none, {}, std::vector<telemetry::HopRecord>(64)};
  telemetry::Decoder decoder{std::nullopt};
  telemetry::Anatomy anatomy;
  out.reason = decoder.decode(frame, static_cast<std::uint32_t>(frame.size()),
                              wire::Match{wire::MatchRules{}}.decide(frame),
                              {&out.packet, out.hops.data(), 64}, anatomy);
  out.hops.resize(out.packet.hop_count);
  return out;
}

class TwoSided : public testing::Test {
 protected:
  TwoSided() { host.held = network.held; }

  Worker<ScriptedPort>& start(Role role, const std::function<void(WorkerConfig&)>& change = {}) {
    WorkerConfig config;
    config.role = role;
    config.rpcs.entries = 64;
    config.rpcs.shards = 1;
    if (change) change(config);
    rpcs = std::make_unique<RpcTable>(config.rpcs);
    std::vector<Direction<ScriptedPort>> ways{
        {.in = &network, .out = &host, .treatment = from_network(role), .mtu = kMtu},
        {.in = &host, .out = &network, .treatment = from_host(role), .mtu = kMtu}};
    ways[0].rewrite_macs = true;
    worker = std::make_unique<Worker<ScriptedPort>>(config, 0, std::move(ways),
                                                    WorkerContext{ring_, timebase_, rpcs.get()});
    return *worker;
  }

  Bytes through(ScriptedPort& in, ScriptedPort& out, const Bytes& frame) {
    out.sent.clear();
    in.incoming.push_back(frame);
    worker->turn();
    EXPECT_EQ(out.sent.size(), 1u);
    EXPECT_TRUE(network.all_given_back());
    return out.sent.empty() ? Bytes{} : out.sent.front();
  }
  Bytes inwards(const Bytes& frame) { return through(network, host, frame); }
  Bytes outwards(const Bytes& frame) { return through(host, network, frame); }

  std::uint64_t edits(EditResult result) {
    return worker->edit_stats().results[static_cast<std::size_t>(result)].value();
  }

  ScriptedPort network, host;
  std::unique_ptr<RpcTable> rpcs;
  std::unique_ptr<Worker<ScriptedPort>> worker;

 private:
  clock::SharedTimebase timebase_{clock::Timebase{}};
  telemetry::RecordRing ring_{1 << 20};
};

TEST_F(TwoSided, ForwardPassesEverythingBothWays) {
  start(Role::forward);
  const Bytes arp = PacketBuilder{}.ethernet().ethertype(0x0806).payload(28).build();
  for (const Bytes& frame : {plain(1), request(1, 3), arp, Bytes(9, std::byte{1})}) {
    EXPECT_EQ(inwards(frame), frame);
    EXPECT_EQ(outwards(frame), frame);
  }
  EXPECT_EQ(worker->stats().records.value(), 2u);
}

TEST_F(TwoSided, BrokenTelemetryGoesOnUntouchedAndIsCounted) {
  start(Role::sink);
  Bytes lie = request(1, 2);
  wire::store_be<4>(lie.data() + 14, 99);
  EXPECT_EQ(inwards(lie), lie);
  EXPECT_EQ(worker->stats().malformed[static_cast<std::size_t>(DropReason::hop_count)].value(), 1u);
}

TEST_F(TwoSided, SinkStripsTowardsTheHostOnly) {
  start(Role::sink);
  EXPECT_EQ(inwards(request(5, 4)), plain(5));
  EXPECT_EQ(outwards(request(5, 4)), request(5, 4));
  const Bytes valinor =
      PacketBuilder{}.ethernet().ipv4(253).valinor_n(test::sample_stamps()).udp(1, 2).build();
  EXPECT_EQ(inwards(valinor), valinor);
}

TEST_F(TwoSided, RewritesAddressesTowardsTheHost) {
  start(Role::sink, [](WorkerConfig& config) {
    config.rewrite.destination = wire::MacAddress{std::byte{2}, {}, {}, {}, {}, std::byte{9}};
  });
  Bytes expected = plain(5);
  std::copy_n(std::initializer_list<std::byte>{std::byte{2}, {}, {}, {}, {}, std::byte{9}}.begin(),
              6, expected.begin());
  EXPECT_EQ(inwards(request(5, 1)), expected);
  EXPECT_EQ(outwards(plain(5)), plain(5));
}

TEST_F(TwoSided, TransitPushesItsHopInFrontBothWays) {
  start(Role::transit, [](WorkerConfig& config) { config.hop.switch_id = 0x77; });
  network.now = host.now = {Nanos{5'000'123}};
  for (const Bytes& out : {inwards(request(9, 2)), outwards(request(9, 2))}) {
    const Decoded got = decode(out);
    ASSERT_EQ(got.reason, DropReason::none);
    ASSERT_EQ(got.hops.size(), 3u);
    EXPECT_EQ(got.hops[0].node_id, 0x77u);
    EXPECT_EQ(got.hops[0].ingress_time, 5000u);  // microseconds
    EXPECT_EQ(got.hops[0].enqueue_depth, 7u);    // what waits to leave
    EXPECT_EQ(got.hops[2].node_id, some_hops(2)[1].node_id);
    EXPECT_EQ(got.packet.rpc_id, 9u);
  }
  EXPECT_EQ(inwards(plain(1)), plain(1));
}

TEST_F(TwoSided, TransitLeavesFullStacksAndFullFramesAlone) {
  start(Role::transit);
  EXPECT_EQ(inwards(request(1, 20)), request(1, 20));
  EXPECT_EQ(edits(EditResult::hop_limit), 1u);
  EXPECT_EQ(inwards(request(1, 2, 1380)), request(1, 2, 1380));
  EXPECT_EQ(edits(EditResult::exceeds_mtu), 1u);
}

TEST_F(TwoSided, SourceInsertsIntoTheShareThatItIsTold) {
  start(Role::source, [](WorkerConfig& config) {
    config.source.every = 3;
    config.source.dst_ports = {1234};
    config.hop = {.switch_id = 5, .collect_size = 1};
  });
  std::vector<bool> inserted;
  for (std::uint32_t i = 1; i <= 7; ++i) inserted.push_back(outwards(plain(i)) != plain(i));
  EXPECT_EQ(inserted, (std::vector<bool>{true, false, false, true, false, false, true}));
  EXPECT_EQ(inwards(plain(1)), plain(1));
  const Bytes elsewhere = PacketBuilder{}.ethernet().ipv4(17).udp(1, 53).rpc_id(1).build();
  EXPECT_EQ(outwards(elsewhere), elsewhere);
}

TEST_F(TwoSided, SourceKeepsItsGap) {
  start(Role::source, [](WorkerConfig& config) { config.source.gap = Nanos{1000}; });
  std::vector<bool> inserted;
  for (const int time : {100, 600, 1099, 1100, 2099, 2101}) {
    host.now = {Nanos{time}};
    inserted.push_back(outwards(plain(1)) != plain(1));
  }
  EXPECT_EQ(inserted, (std::vector<bool>{true, false, false, true, false, true}));
}

TEST_F(TwoSided, HostPutsTheRequestsTracesAndItsTimeOnTheReply) {
  start(Role::host);
  network.now = {Nanos{1000}};
  EXPECT_EQ(inwards(request(5, 4)), plain(5));
  host.now = {Nanos{43'000}};
  const Decoded got = decode(outwards(reply(5)));
  ASSERT_EQ(got.reason, DropReason::none);
  ASSERT_EQ(got.hops.size(), 4u);
  for (std::uint32_t i = 0; i < 4; ++i) EXPECT_EQ(got.hops[i].node_id, some_hops(4)[i].node_id);
  EXPECT_EQ(got.packet.host_requests, 1u);
  EXPECT_EQ(got.packet.host_time_ns, 42'000u);
  EXPECT_FALSE(got.packet.flags & telemetry::flag::kHostLittleEndian);
  EXPECT_EQ(got.packet.flow.source_port, 1234);
  EXPECT_EQ(worker->stats().host_pairs.value(), 1u);
  EXPECT_EQ(worker->stats().records.value(), 2u) << "the request's and the pair's";
}

TEST_F(TwoSided, HostWritesX86OrderWhereReceiversWantIt) {
  start(Role::host,
        [](WorkerConfig& config) { config.host_byte_order = telemetry::HostByteOrder::x86; });
  (void)inwards(request(5, 1));
  const Decoded got = decode(outwards(reply(5)));
  EXPECT_TRUE(got.packet.flags & telemetry::flag::kHostLittleEndian);
  EXPECT_EQ(got.packet.host_requests, 1u);
}

TEST_F(TwoSided, HostLeavesRepliesWithoutARequestAlone) {
  start(Role::host);
  EXPECT_EQ(outwards(reply(5)), reply(5));
  (void)inwards(request(0, 2));
  EXPECT_EQ(outwards(reply(0)), reply(0)) << "id 0 means: ignore";
  (void)inwards(request(6, 2));
  EXPECT_EQ(outwards(reply(7)), reply(7));
  EXPECT_EQ(rpcs->totals().unknown, 2u);
}

TEST_F(TwoSided, HostCountsRetransmissionsAndAnswersTwice) {
  start(Role::host);
  (void)inwards(request(5, 1));
  (void)inwards(request(5, 2));
  for (int i = 0; i < 2; ++i) {
    const Decoded got = decode(outwards(reply(5)));
    EXPECT_EQ(got.packet.host_requests, 2u);
    EXPECT_EQ(got.hops.size(), 2u) << "those of the newest request";
  }
}

TEST_F(TwoSided, HostNeverSendsAReplyThatIsTooLong) {
  start(Role::host);
  (void)inwards(request(5, 3));
  EXPECT_EQ(outwards(reply(5, 1400)), reply(5, 1400));
  EXPECT_EQ(edits(EditResult::exceeds_mtu), 1u);
}

TEST_F(TwoSided, RetriesAFullRingAsOftenAsTold) {
  start(Role::forward, [](WorkerConfig& config) { config.on_tx_full = OnTxFull::retry; });
  host.transmit_room = 0;
  network.incoming.push_back(plain(1));
  const std::size_t before = host.flushes;
  worker->turn();
  EXPECT_EQ(host.flushes - before, 3u + 1);  // each try, and the turn's own
  EXPECT_EQ(worker->stats().dropped[static_cast<std::size_t>(DropReason::tx_full)].value(), 1u);
  EXPECT_TRUE(network.all_given_back());
}

}  // namespace
}  // namespace valinor::pipeline
