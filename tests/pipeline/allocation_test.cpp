/// Nothing is allocated on the data path, whatever the role and the packets.
#include <gtest/gtest.h>

#include <cstdlib>
#include <cstring>
#include <memory>
#include <vector>

#include "count_allocations.hpp"
#include "pipeline/worker_impl.hpp"
#include "support/packet_builder.hpp"

namespace valinor::pipeline {
namespace {

using packet_io::Frame;
using packet_io::kMaxBurst;
using telemetry::p4netintel::Layout;
using test::PacketBuilder;

constexpr int kTurns = 4000;
constexpr std::uint32_t kRoomInFront = 2048;

/// A port from which the same frames come for ever, in its own memory, so that only the worker
/// could allocate.
class EndlessPort {
 public:
  static constexpr bool kStampsArrival = false;

  explicit EndlessPort(std::vector<test::Frame> frames)
      : frames_{std::move(frames)}, memory_(kMaxBurst * kPiece) {}

  std::size_t receive(std::span<Frame> frames) noexcept {
    for (std::size_t i = 0; i < frames.size(); ++i) {
      const test::Frame& content = frames_[i % frames_.size()];
      std::byte* data = memory_.data() + i * kPiece + kRoomInFront;
      std::memcpy(data, content.data(), content.size());
      const auto bytes = static_cast<std::uint32_t>(content.size());
      frames[i] = {.data = data,
                   .bytes = bytes,
                   .wire_bytes = bytes,
                   .headroom = kRoomInFront,
                   .address = i,
                   .arrival = {}};
    }
    return frames.size();
  }
  std::size_t transmit(std::span<const Frame> frames) noexcept { return frames.size(); }
  void recycle(std::span<const Frame>) noexcept {}
  void flush() noexcept {}
  [[nodiscard]] bool at_end() const noexcept { return false; }
  [[nodiscard]] std::uint32_t waiting_to_leave() const noexcept { return 0; }
  static void wait(std::span<EndlessPort* const>) noexcept {}

 private:
  static constexpr std::size_t kPiece = 2 * kRoomInFront + 2048;

  std::vector<test::Frame> frames_;
  std::vector<std::byte> memory_;
};

test::Frame plain(std::uint32_t rpc_id, bool is_reply) {
  return PacketBuilder{}
      .ethernet()
      .ipv4(17)
      .udp(is_reply ? 1234 : 4321, is_reply ? 4321 : 1234)
      .rpc_id(rpc_id)
      .build();
}

test::Frame with_hops(Layout layout, std::uint32_t hops, std::uint32_t rpc_id) {
  std::vector<telemetry::HopRecord> records;
  for (std::uint32_t i = 0; i < hops; ++i) records.push_back(test::sample_hop(layout, i));
  return PacketBuilder{}
      .ethernet()
      .p4netintel(layout, records)
      .ipv4(17)
      .udp(4321, 1234)
      .rpc_id(rpc_id)
      .build();
}

/// One of each kind of packet: formats, layouts, plain ones, broken ones.
std::vector<test::Frame> all_kinds() {
  std::vector<test::Frame> frames;
  std::uint32_t rpc_id = 0;
  for (const Layout layout :
       {Layout::discrete, Layout::depth_only, Layout::standard, Layout::full}) {
    for (const std::uint32_t hops : {1U, 3U, 18U})
      frames.push_back(with_hops(layout, hops, ++rpc_id));
  }
  frames.push_back(
      PacketBuilder{}.ethernet().ipv4(253).valinor_n(test::sample_stamps()).udp(1, 2).build());
  frames.push_back(
      PacketBuilder{}.ethernet().ipv6(253).valinor_n(test::sample_stamps()).udp(1, 2).build());
  frames.push_back(plain(1, true));
  frames.push_back(plain(1, false));
  test::Frame broken = with_hops(Layout::full, 3, 1);
  broken[17] = std::byte{99};  // more hops than there are
  frames.push_back(broken);
  frames.push_back({broken.begin(), broken.begin() + 20});
  return frames;
}

class DataPathMemory : public testing::TestWithParam<Role> {};

TEST_P(DataPathMemory, NothingIsAllocated) {
  const Role role = GetParam();
  WorkerConfig config;
  config.role = role;
  config.rpcs = {.entries = 64, .shards = 1};
  const clock::SharedTimebase timebase{clock::Timebase{}};
  telemetry::RecordRing ring{1 << 20};
  RpcTable rpcs{config.rpcs};
  EndlessPort network{all_kinds()};
  EndlessPort host{all_kinds()};
  EndlessPort& out = is_two_sided(role) ? host : network;
  std::vector<Direction<EndlessPort>> ways{
      {.in = &network, .out = &out, .treatment = from_network(role), .mtu = 1500}};
  if (is_two_sided(role)) {
    ways.push_back({.in = &host, .out = &network, .treatment = from_host(role), .mtu = 1500});
    for (auto& way : ways) way.complete_checksums = way.rewrite_macs = true;
  }
  const std::size_t directions = ways.size();
  Worker<EndlessPort> worker{config, 0, std::move(ways), {ring, timebase, &rpcs}};

  const std::size_t before = test::allocations();
  for (int turn = 0; turn < kTurns; ++turn) {
    worker.turn();
    if (turn % 1000 > 500) continue;  // meanwhile the ring is full
    ring.read([](const telemetry::RecordView&) { return true; });
    ring.release();
  }
  EXPECT_EQ(test::allocations(), before);
  EXPECT_EQ(worker.stats().received.value(), kTurns * kMaxBurst * directions);
  EXPECT_GT(worker.stats().records.value(), worker.stats().records_ring_full.value());
  EXPECT_GT(worker.stats().records_ring_full.value(), 0U);
}

INSTANTIATE_TEST_SUITE_P(Roles, DataPathMemory,
                         testing::Values(Role::collect, Role::reflect, Role::forward, Role::sink,
                                         Role::transit, Role::source, Role::host),
                         [](const auto& role) { return std::string{to_name(role.param)}; });

/// Lets the compiler believe that somebody uses it, or it leaves the allocation out.
void keep(const void* memory) { asm volatile("" : : "g"(memory) : "memory"); }

/// Or the test above would see nothing.
TEST(CountAllocations, SeesEachKind) {
  std::size_t before = test::allocations();
  const auto expect_one_more = [&](const char* kind) {
    EXPECT_GT(test::allocations(), before) << kind;
    before = test::allocations();
  };
  const auto one = std::make_unique<int>(1);
  keep(one.get());
  expect_one_more("new");
  const auto several = std::make_unique<int[]>(10);
  keep(several.get());
  expect_one_more("new[]");
  struct alignas(64) Line {
    int number = 0;
  };
  const auto line = std::make_unique<Line>();
  keep(line.get());
  expect_one_more("aligned new");
  if (!test::counts_malloc()) return;  // a sanitizer has it for itself
  void* const memory = std::malloc(10);
  keep(memory);
  std::free(memory);
  expect_one_more("malloc");
}

}  // namespace
}  // namespace valinor::pipeline
