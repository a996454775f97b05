/// The tap on real interfaces, with real senders.
#include "tap/egress_tap.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>
#include <sys/socket.h>
#include <time.h>

#include <array>
#include <future>
#include <numeric>
#include <set>

#include "base/failure.hpp"
#include "base/thread.hpp"
#include "exporter/exporter.hpp"
#include "exporter/make_store.hpp"
#include "support/redis_server.hpp"
#include "tapped.hpp"

namespace valinor::tap {
namespace {

using std::chrono::seconds;

constexpr std::uint32_t kUdpHeaders = 14 + 20 + 8;

sockaddr_in at(const char* address, std::uint16_t port) {
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(port);
  ::inet_pton(AF_INET, address, &to.sin_addr);
  return to;
}

template <class Address>
const sockaddr* generic(const Address& address) {
  return reinterpret_cast<const sockaddr*>(&address);
}

/// Sends to 10.9.0.2, which is behind "near".
class UdpSender {
 public:
  explicit UdpSender(std::uint16_t port = 5000) : fd_{::socket(AF_INET, SOCK_DGRAM, 0)} {
    const auto from = at("10.9.0.1", 4000);
    const auto to = at("10.9.0.2", port);
    const int yes = 1;
    ::setsockopt(fd_.get(), SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    if (::bind(fd_.get(), generic(from), sizeof from) != 0 ||
        ::connect(fd_.get(), generic(to), sizeof to) != 0) {
      throw_errno("connect a UDP socket");
    }
  }
  void set(int level, int option, int value) {
    if (::setsockopt(fd_.get(), level, option, &value, sizeof value) != 0)
      throw_errno("set option");
  }
  void send(std::size_t payload) {
    const std::vector<char> bytes(payload);
    if (::send(fd_.get(), bytes.data(), bytes.size(), 0) < 0) throw_errno("send");
  }

 private:
  UniqueFd fd_;
};

class EgressTapTest : public TapTest {};

std::uint64_t now_monotonic() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000 +
         static_cast<std::uint64_t>(now.tv_nsec);
}

TEST_F(EgressTapTest, RecordsEveryPacketInOrder) {
  constexpr std::size_t kPackets = 20'000;
  Tapped tapped{near()};
  UdpSender sender;
  const std::uint64_t begin = now_monotonic();
  std::jthread{[&] {
    pin_this_thread(CpuId{0});
    for (std::size_t i = 0; i < kPackets; ++i) {
      sender.send(i % 1400);
      if (i % 1000 == 0) {  // so that a slow machine's ring does not overflow
        EXPECT_TRUE(eventually([&] { return tapped.tap.stats().records.value() > i; }));
      }
    }
  }}.join();
  const std::uint64_t end = now_monotonic();
  const auto records = tapped.stop();
  ASSERT_EQ(records.size(), kPackets);
  EXPECT_TRUE(tapped.balanced());
  EXPECT_EQ(tapped.tap.counts().overflow, 0U);
  auto last = static_cast<std::int64_t>(begin);
  for (std::size_t i = 0; i < kPackets; ++i) {
    ASSERT_EQ(records[i].packet_bytes, kUdpHeaders + i % 1400);
    ASSERT_EQ(records[i].flow.source[15], std::byte{1});
    ASSERT_EQ(records[i].flow.destination[15], std::byte{2});
    ASSERT_EQ(records[i].flow.source_port, 4000);
    ASSERT_EQ(records[i].flow.destination_port, 5000);
    ASSERT_EQ(records[i].flow_hash, records[0].flow_hash);
    ASSERT_GT(records[i].received.since_epoch.count(), last);
    last = records[i].received.since_epoch.count();
  }
  EXPECT_LT(last, static_cast<std::int64_t>(end));
}

TEST_F(EgressTapTest, RecordsArriveWhileItRuns) {
  Tapped tapped{near()};
  UdpSender sender;
  for (std::uint64_t i = 1; i <= 50; ++i) {
    sender.send(10);
    ASSERT_TRUE(eventually([&] { return tapped.tap.stats().records.value() == i; })) << i;
  }
  EXPECT_EQ(tapped.stop().size(), 50U);
}

TEST_F(EgressTapTest, CountsOnlyBetweenStartAndStop) {
  for (const AttachBy how : {AttachBy::automatic, AttachBy::clsact}) {
    telemetry::RecordRing ring{1 << 20};
    EgressTap tap{near(how), 0, ring, [] { return Nanos{0}; }};
    UdpSender sender;
    sender.send(1);
    EXPECT_EQ(tap.counts(), TapCounts{});
    tap.start();
    sender.send(2);
    tap.stop();
    sender.send(3);
    EXPECT_EQ(tap.counts(), (TapCounts{1, 0, kUdpHeaders + 2}));
    EXPECT_EQ(tap.stats().records.value(), 1U);
  }
}

TEST_F(EgressTapTest, AddsTheOffset) {
  Tapped tapped{near(), [] { return Nanos{1'000'000'000'000'000'000}; }};
  UdpSender{}.send(1);
  const auto records = tapped.stop();
  ASSERT_EQ(records.size(), 1U);
  EXPECT_GT(records[0].received.since_epoch.count(), 1'000'000'000'000'000'000);
}

TEST_F(EgressTapTest, UdpSegmentsAreRecordsOfTheirOwn) {
  Tapped tapped{near()};
  UdpSender sender;
  sender.set(SOL_UDP, 103 /* UDP_SEGMENT */, 1000);
  sender.send(4500);
  const auto records = tapped.stop();
  ASSERT_EQ(records.size(), 5U);
  for (std::size_t i = 0; i < 5; ++i) {
    EXPECT_EQ(records[i].packet_bytes, kUdpHeaders + (i < 4 ? 1000 : 500));
    EXPECT_EQ(records[i].flags, telemetry::flag::kGsoSegment);
    EXPECT_EQ(records[i].received, records[0].received + Nanos{i});
  }
}

TEST_F(EgressTapTest, CountsWhatDidNotFitAndRecordsTheRest) {
  std::promise<void> go_on;
  const auto released = go_on.get_future().share();
  Tapped tapped{near(AttachBy::automatic, 4096), [released] {
                  released.wait();  // the reader does not read
                  return Nanos{0};
                }};
  UdpSender sender;
  for (int i = 0; i < 1000; ++i) sender.send(100);
  EXPECT_EQ(tapped.tap.counts().packets, 1000U);
  EXPECT_GT(tapped.tap.counts().overflow, 800U);
  go_on.set_value();
  const auto records = tapped.stop();
  EXPECT_GT(records.size(), 40U);  // 4096 bytes hold 51
  EXPECT_EQ(records.size() + tapped.tap.counts().overflow, 1000U);
  EXPECT_TRUE(tapped.balanced());
}

TEST_F(EgressTapTest, TheMarkIsRecordedAndClearedOnlyIfAsked) {
  for (const bool clear : {false, true}) {
    // Behind the tap, a queueing discipline with a filter by mark would be the reader of it; here
    // the second tap is.
    Tapped behind{near(AttachBy::clsact)};
    TapConfig config = near(AttachBy::tcx);
    config.clear_mark = clear;
    Tapped tapped{config};
    UdpSender sender;
    sender.set(SOL_SOCKET, SO_MARK, 0x77);
    sender.send(1);
    const auto records = tapped.stop();
    ASSERT_EQ(records.size(), 1U);
    EXPECT_EQ(records[0].mark, 0x77U);
    EXPECT_EQ(behind.stop().at(0).mark, clear ? 0U : 0x77U);
  }
}

/// A TCP connection from "near" to a namespace of its own.
class TcpBed {
 public:
  explicit TcpBed(std::uint16_t port = 5001) {
    test::run_command("ip link delete near");
    const UniqueFd here{::open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC)};
    {
      const test::NetworkNamespace there;
      test::run_command(fmt::format("ip link add far type veth peer name near netns /proc/{}/fd/{}",
                                    ::getpid(), here.get()));
      test::run_command("ip addr add 10.9.0.2/24 dev far && ip link set far up");
      listener_ = UniqueFd{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
      const auto any = at("0.0.0.0", port);
      if (::bind(listener_.get(), generic(any), sizeof any) != 0 ||
          ::listen(listener_.get(), 1) != 0) {
        throw_errno("listen");
      }
    }
    test::run_command("ip addr add 10.9.0.1/24 dev near && ip link set near up");
    // Counts packets by segments, independently of us: tc -s qdisc.
    test::run_command("tc qdisc add dev near root pfifo limit 100000");
  }

  /// Sends, closes, and returns once nothing more can leave "near": how many segments TCP had to
  /// send again.
  std::uint32_t transfer(std::size_t bytes, std::uint16_t port = 5001) {
    const UniqueFd sender{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    const auto to = at("10.9.0.2", port);
    if (::connect(sender.get(), generic(to), sizeof to) != 0) throw_errno("connect");
    const UniqueFd receiver{::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC)};
    std::jthread reader{[&] {
      std::vector<char> some(1 << 20);
      while (::recv(receiver.get(), some.data(), some.size(), 0) > 0) {
      }
      ::shutdown(receiver.get(), SHUT_WR);
    }};
    const std::vector<char> data(1 << 20);
    for (std::size_t sent = 0; sent < bytes;) {
      const auto n = ::send(sender.get(), data.data(), std::min(data.size(), bytes - sent), 0);
      if (n <= 0) throw_errno("send");
      sent += static_cast<std::size_t>(n);
    }
    ::shutdown(sender.get(), SHUT_WR);
    reader.join();
    tcp_info sent_by{};
    socklen_t sent_by_size = sizeof sent_by;
    ::getsockopt(sender.get(), IPPROTO_TCP, TCP_INFO, &sent_by, &sent_by_size);
    // Closed: the last acknowledgement has come from "near".
    EXPECT_TRUE(eventually([&] {
      tcp_info info{};
      socklen_t size = sizeof info;
      ::getsockopt(receiver.get(), IPPROTO_TCP, TCP_INFO, &info, &size);
      return info.tcpi_state == TCP_CLOSE;
    }));
    return sent_by.tcpi_total_retrans;
  }

 private:
  UniqueFd listener_;
};

TEST_F(EgressTapTest, TcpSegmentsAddUpToWhatTcCounts) {
  constexpr std::size_t kBytes = std::size_t{64} << 20;
  TcpBed bed;
  Tapped tapped{near(AttachBy::automatic, 8 << 20)};
  const std::uint64_t sent_again = bed.transfer(kBytes);
  const auto records = tapped.stop();
  const TapCounts counts = tapped.tap.counts();
  EXPECT_TRUE(tapped.balanced());
  EXPECT_EQ(counts.overflow, 0U);
  EXPECT_EQ(counts.packets, records.size());

  std::uint64_t bytes = 0;
  std::uint64_t payload = 0;
  std::size_t segments = 0;
  std::uint32_t longest = 0;
  std::set<std::int64_t> times;
  for (const auto& record : records) {
    bytes += record.packet_bytes;
    longest = std::max(longest, record.packet_bytes);
    if (record.flow.protocol == IPPROTO_TCP && record.packet_bytes > 66) {
      payload += record.packet_bytes - 66;
    }
    if ((record.flags & telemetry::flag::kGsoSegment) != 0) ++segments;
    times.insert(record.received.since_epoch.count());
  }
  EXPECT_EQ(longest, 1514U);
  EXPECT_EQ(bytes, counts.bytes);
  EXPECT_GT(segments, records.size() / 2) << "no segmentation offload here";
  EXPECT_EQ(times.size(), records.size()) << "a sorted set would lose records";
  // 66 bytes of headers; options of the first packets may add some, and so does what TCP sent
  // again.
  EXPECT_GE(payload, kBytes);
  EXPECT_LT(payload, kBytes + kBytes / 100 + sent_again * 1448);
  // "Sent 69402398 bytes 46345 pkt (dropped ..."
  const std::string tc = output_of("tc -s qdisc show dev near");
  EXPECT_NE(tc.find(fmt::format("Sent {} bytes {} pkt (dropped 0", counts.bytes, counts.packets)),
            std::string::npos)
      << counts.bytes << " bytes " << counts.packets << " packets; tc says " << tc;
  RecordProperty("packets", std::to_string(counts.packets));
}

TEST_F(EgressTapTest, LandsInRedisInValinorsLayout) {
  if (!test::has_redis_server()) GTEST_SKIP() << "redis-server is not installed";
  test::RedisServer server;
  server.start();
  exporter::ExporterConfig config;
  config.redis.address = server.address();
  config.batch_interval = std::chrono::milliseconds{1};
  telemetry::RecordRing ring{1 << 20};
  EgressTap tap{near(), 0, ring, [] { return Nanos{0}; }};
  exporter::Exporter exporter{config, exporter::make_store(config), {ring}};
  tap.start();
  UdpSender sender;
  sender.set(SOL_SOCKET, SO_MARK, 0xabcd);
  const std::uint64_t before = now_monotonic();
  for (std::size_t i = 0; i < 100; ++i) sender.send(100 + i);
  const std::uint64_t after = now_monotonic();
  tap.stop();
  exporter.stop(std::chrono::steady_clock::now() + seconds{10});
  EXPECT_EQ(exporter.stats().stored.value(), 100U);

  const auto members = server.command({"ZRANGE", "0", "0", "-1", "WITHSCORES"});
  ASSERT_EQ(members.size(), 200U);
  const std::string hash = members[0].substr(36, 8);
  EXPECT_NE(hash, "00000000");
  for (std::size_t i = 0; i < 100; ++i) {
    const std::string& member = members[2 * i];
    ASSERT_EQ(member.size(), 68U);
    const std::uint64_t time = std::stoull(member.substr(0, 16), nullptr, 16);
    EXPECT_GT(time, before);
    EXPECT_LT(time, after);
    EXPECT_EQ(std::to_string(time), members[2 * i + 1]);
    //                                                enqueue  delta   length
    EXPECT_EQ(member.substr(16), fmt::format("0000000000000000{:04x}", kUdpHeaders + 100 + i) +
                                     hash + "0000abcd" + "00000000" + "0000" + "0000");
  }
}

}  // namespace
}  // namespace valinor::tap
