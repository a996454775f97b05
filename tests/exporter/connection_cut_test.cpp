/// A connection to Redis that is cut after any number of bytes, in either direction: each record is
/// stored once.
#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <thread>

#include "base/failure.hpp"
#include "base/log.hpp"
#include "exporter/exporter.hpp"
#include "exporter/make_store.hpp"
#include "record_samples.hpp"
#include "stream_samples.hpp"
#include "support/redis_server.hpp"

namespace valinor::exporter {
namespace {

using valinor::test::RedisServer;

constexpr std::size_t kNever = static_cast<std::size_t>(-1);

/// Stands between a client and a server on loopback. Of the first connection it passes on
/// `towards_server` and `towards_client` bytes, then cuts it; later ones it leaves alone.
class CuttingProxy {
 public:
  CuttingProxy(std::uint16_t server_port, std::size_t towards_server, std::size_t towards_client)
      : server_port_{server_port}, budget_{towards_server, towards_client} {
    listener_ = UniqueFd{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    sockaddr_in address = loopback(0);
    socklen_t bytes = sizeof address;
    if (::bind(listener_.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 ||
        ::listen(listener_.get(), 8) != 0 ||
        ::getsockname(listener_.get(), reinterpret_cast<sockaddr*>(&address), &bytes) != 0) {
      throw_errno("make a proxy");
    }
    port_ = ntohs(address.sin_port);
    thread_ = std::jthread{[this](const std::stop_token& stop) { serve(stop); }};
  }

  [[nodiscard]] std::uint16_t port() const { return port_; }

  /// What has crossed in each direction, of all connections.
  [[nodiscard]] std::size_t crossed(std::size_t direction) const { return crossed_[direction]; }
  [[nodiscard]] bool has_cut() const { return cut_; }

 private:
  static sockaddr_in loopback(std::uint16_t port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
  }

  void serve(const std::stop_token& stop) {
    while (!stop.stop_requested()) {
      pollfd waiting{listener_.get(), POLLIN, 0};
      if (::poll(&waiting, 1, 5) <= 0) continue;
      const UniqueFd client{::accept(listener_.get(), nullptr, nullptr)};
      const UniqueFd server{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
      const sockaddr_in address = loopback(server_port_);
      if (::connect(server.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) ==
          0) {
        pass_on(client.get(), server.get(), stop);
      }
    }
  }

  void pass_on(int client, int server, const std::stop_token& stop) {
    std::array<char, 4096> buffer;
    while (!stop.stop_requested()) {
      std::array<pollfd, 2> ends{{{client, POLLIN, 0}, {server, POLLIN, 0}}};
      if (::poll(ends.data(), ends.size(), 5) <= 0) continue;
      for (std::size_t from = 0; from < 2; ++from) {
        if (ends[from].revents == 0) continue;
        const std::size_t most = cut_ ? buffer.size() : std::min(buffer.size(), budget_[from]);
        const ssize_t bytes = most == 0 ? 0 : ::recv(ends[from].fd, buffer.data(), most, 0);
        if (bytes > 0) {
          const auto count = static_cast<std::size_t>(bytes);
          if (::send(ends[1 - from].fd, buffer.data(), count, MSG_NOSIGNAL) < 0) return;
          crossed_[from] += count;
          if (!cut_ && budget_[from] != kNever) budget_[from] -= count;
          if (cut_ || budget_[from] != 0) continue;
        }
        cut_ = true;
        return;
      }
    }
  }

  std::uint16_t server_port_;
  std::array<std::size_t, 2> budget_;
  std::array<std::atomic<std::size_t>, 2> crossed_{};
  std::atomic<bool> cut_{false};
  UniqueFd listener_;
  std::uint16_t port_ = 0;
  std::jthread thread_;
};

class ConnectionCutTest : public testing::TestWithParam<RedisForm> {
 protected:
  static constexpr std::size_t kRecords = 6;

  void SetUp() override {
    if (!valinor::test::has_redis_server()) GTEST_SKIP() << "redis-server is not installed";
    server.start();
    log::set_level(log::Level::error);  // not one line for each cut
  }
  void TearDown() override { log::set_level(log::Level::info); }

  /// The times of all records that are stored, each as often as it is.
  std::vector<std::uint64_t> stored_times(RedisForm form) {
    if (form == RedisForm::stream) return test::times_in_stream(server, "0:stream");
    std::vector<std::uint64_t> times;
    for (const std::string& member : server.command({"ZRANGE", "0", "0", "-1"})) {
      times.push_back(std::stoull(member.substr(0, 16), nullptr, 16));
    }
    return times;
  }

  /// Stores kRecords in batches of two; answers how many bytes crossed in `direction`.
  std::size_t store_all(RedisForm form, std::size_t direction, std::size_t cut_after) {
    std::array<std::size_t, 2> budget{kNever, kNever};
    budget[direction] = cut_after;
    CuttingProxy proxy{server.address().port, budget[0], budget[1]};
    ExporterConfig config;
    config.redis.address = server.address();
    config.redis.address.port = proxy.port();
    config.redis.format = form;
    config.redis.backoff_initial = config.redis.backoff_max = std::chrono::milliseconds{1};
    config.redis.batch_records = 2;
    config.batch_interval = std::chrono::milliseconds{1};
    telemetry::RecordRing ring{1 << 16};
    Exporter exporter{config, make_store(config), {ring}};
    test::produce_all(ring, 0, kRecords);
    exporter.stop(test::soon());
    const ExporterStats& stats = exporter.stats();
    EXPECT_EQ(stats.stored.value() + stats.collapsed.value(), kRecords);
    EXPECT_EQ(stats.all_lost(), 0u);
    EXPECT_TRUE(stats.balanced());
    std::vector<std::uint64_t> times = stored_times(form);
    std::ranges::sort(times);
    EXPECT_EQ(times, (std::vector<std::uint64_t>{0, 1, 2, 3, 4, 5}));
    // The ids of a stream have more or fewer digits each time.
    EXPECT_TRUE(proxy.has_cut() || proxy.crossed(direction) <= cut_after);
    server.command({"FLUSHALL"});
    return proxy.crossed(direction);
  }

  RedisServer server{RedisServer::Listen::loopback};
};

TEST_P(ConnectionCutTest, AtAnyByteOfACommandOrAnAnswerEachRecordIsStoredOnce) {
  for (const std::size_t direction : {0U, 1U}) {
    const std::size_t all = store_all(GetParam(), direction, kNever);
    ASSERT_GT(all, direction == 0 ? 600U : 15U);
    for (std::size_t cut = 1; cut < all && !HasFailure(); ++cut) {
      SCOPED_TRACE(std::to_string(cut) + (direction == 0 ? " bytes sent" : " bytes received"));
      store_all(GetParam(), direction, cut);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Forms, ConnectionCutTest,
                         testing::Values(RedisForm::valinor_zset, RedisForm::stream),
                         [](const auto& test) {
                           return test.param == RedisForm::stream ? "stream" : "zset";
                         });

}  // namespace
}  // namespace valinor::exporter
