/// What the AF_XDP tests share: a veth pair of their own, numbered frames, patience.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstring>
#include <memory>
#include <numeric>
#include <optional>
#include <vector>

#include "base/failure.hpp"
#include "packet_io/afxdp/open_interface.hpp"
#include "support/netns.hpp"

namespace valinor::packet_io::afxdp {

/// "near" is under test, "far" is the network.
class VethTest : public testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "network namespaces and XDP need root";
    network_.emplace();
    test::VethPair{"near", "far", 2};
  }

  /// For PacketSocket, whose frames take a queue by their hash.
  static void use_one_queue() {
    test::run_command("ip link delete near");
    test::VethPair{"near", "far", 1};
  }

  static InterfaceConfig near(Mode mode, std::vector<QueueId> queues = {QueueId{0}}) {
    InterfaceConfig config;
    config.name = "near";
    config.queues = std::move(queues);
    config.mode = mode;
    config.umem = {.frames = 512, .frame_size = 4096};
    config.rings = {.rx = 128, .fill = 256, .tx = 128, .completion = 256};
    return config;
  }

  std::optional<test::NetworkNamespace> network_;
};

struct OwnPools {
  FramePools pools;
};

/// An interface with packet memory of its own.
class Opened : private OwnPools, public OpenInterface {
 public:
  Opened(const InterfaceConfig& config, const wire::MatchRules& rules,
         OtherTraffic other = OtherTraffic::kernel)
      : OpenInterface{config, rules, other, pools} {}
};

/// A telemetry frame by the default rules (ethertype 0x1212) that carries `number`.
inline std::vector<std::byte> numbered(std::uint32_t number, std::size_t bytes = 60) {
  std::vector<std::byte> frame(bytes, std::byte{0x5a});
  std::fill_n(frame.begin(), 6, std::byte{0xff});
  frame[12] = frame[13] = std::byte{0x12};
  std::memcpy(frame.data() + 14, &number, sizeof number);
  return frame;
}

inline std::uint32_t number_of(std::span<const std::byte> frame) {
  std::uint32_t number = 0;
  std::memcpy(&number, frame.data() + 14, sizeof number);
  return number;
}

/// Sends by AF_XDP from "far", so that the queue is known.
class Sender {
 public:
  explicit Sender(QueueId queue = QueueId{0}, UmemConfig umem = {.frames = 256, .frame_size = 4096})
      : pool_{umem}, port_{find_interface("far"),
                           queue,
                           pool_,
                           {.rx = 64, .fill = 64, .tx = 64, .completion = 64},
                           Mode::copy,
                           Use::transmit_only} {}

  /// All of them, in order, pushed out to the other side.
  void send(std::uint32_t first, std::uint32_t count, std::size_t bytes = 60) {
    for (std::uint32_t sent = 0; sent < count;) {
      Frame frame;
      if (port_.allocate({&frame, 1}) == 0) {
        port_.flush();
        continue;
      }
      const auto content = numbered(first + sent, bytes);
      std::memcpy(frame.data, content.data(), content.size());
      frame.bytes = static_cast<std::uint32_t>(content.size());
      while (port_.transmit({&frame, 1}) == 0) port_.flush();
      ++sent;
    }
    port_.flush();
  }

  AfxdpPort& port() { return port_; }

 private:
  FramePool pool_;
  AfxdpPort port_;
};

/// Frames that the program gave to the sockets. Each was received or is in a socket's rx_dropped or
/// rx_ring_full.
inline std::uint64_t redirected(const OpenInterface& opened) {
  const auto frames = opened.program().decisions().frames;
  return std::accumulate(frames.begin(), frames.begin() + VALINOR_NOT_TELEMETRY,
                         frames[VALINOR_FORWARDED]);
}

/// Waits until the kernel has given back all that the port sent; not for ever.
inline void finish(AfxdpPort& port) {
  AfxdpPort::finish(std::array{&port}, std::chrono::steady_clock::now() + std::chrono::seconds{5});
}

/// Calls `step` until it says true; false after five seconds.
template <class Step>
bool eventually(Step step) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds{5};
  while (!step()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
  }
  return true;
}

/// Receives `count` frames, waiting for each burst; gives every one to `use`, then recycles it.
template <class Consume>
std::size_t receive_all(AfxdpPort& port, std::size_t count, Consume use) {
  std::size_t received = 0;
  std::vector<Frame> burst(kMaxBurst);
  eventually([&] {
    port.flush();
    const std::size_t n = port.receive(burst);
    for (std::size_t i = 0; i < n; ++i) use(burst[i]);
    port.recycle(std::span{burst}.first(n));
    received += n;
    if (n == 0 && received < count) AfxdpPort::wait(std::array{&port});
    return received >= count;
  });
  port.flush();
  return received;
}

/// The Failure that `attempt` ends in; fails the test where there is none.
template <class Attempt>
Finding finding_of(Attempt attempt) {
  try {
    attempt();
  } catch (const Failure& failure) {
    return failure.finding();
  }
  ADD_FAILURE() << "no Failure";
  return {};
}

}  // namespace valinor::packet_io::afxdp
