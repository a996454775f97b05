#include "packet_io/conformance/traffic.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <numeric>
#include <set>
#include <thread>

#include "packet_io/conformance/link.hpp"

namespace valinor::packet_io::afxdp {
namespace {

constexpr std::size_t kNumberAt = 14;
constexpr std::size_t kPatternAt = kNumberAt + sizeof(std::uint32_t);

std::byte pattern(std::uint32_t number, std::size_t at) noexcept {
  return static_cast<std::byte>(((number * 0x9e3779b1U) >> 24) + at * 13);
}

/// Frames that a driver may keep for receiving, where it does not say how many descriptors it has.
constexpr std::uint32_t kUnknownDeviceRing = 1024;

}  // namespace

void write_packet(std::span<std::byte> packet, std::uint32_t number, std::uint16_t ethertype) {
  std::fill_n(packet.begin(), 6, std::byte{0xff});
  constexpr std::array<std::uint8_t, 6> kSource = {0x02, 0, 0, 0, 0, 0x0a};
  std::memcpy(packet.data() + 6, kSource.data(), kSource.size());
  packet[12] = static_cast<std::byte>(ethertype >> 8);
  packet[13] = static_cast<std::byte>(ethertype);
  std::memcpy(packet.data() + kNumberAt, &number, sizeof number);
  for (std::size_t at = kPatternAt; at < packet.size(); ++at) packet[at] = pattern(number, at);
}

std::uint32_t number_of(std::span<const std::byte> packet) {
  std::uint32_t number = 0;
  std::memcpy(&number, packet.data() + kNumberAt, sizeof number);
  return number;
}

testing::AssertionResult is_packet(std::span<const std::byte> packet, std::uint32_t number,
                                   std::size_t written) {
  if (packet.size() < kPatternAt) return testing::AssertionFailure() << packet.size() << " bytes";
  if (number_of(packet) != number) {
    return testing::AssertionFailure()
           << "packet " << number_of(packet) << " came where " << number << " was due";
  }
  for (std::size_t at = kPatternAt; at < packet.size(); ++at) {
    if (packet[at] != (at < written ? pattern(number, at) : std::byte{0})) {
      return testing::AssertionFailure()
             << "packet " << number << " of " << packet.size() << " bytes differs at byte " << at;
    }
  }
  return testing::AssertionSuccess();
}

bool Source::turn(std::uint32_t limit) {
  const AfxdpPort& port = side_.port();
  const std::uint32_t allowed = std::min(limit, stream_.end()) - (stream_.first + next_);
  std::array<Frame, kMaxBurst> memory;
  const auto frames = std::span{memory}.first(
      side_.port().allocate(std::span{memory}.first(std::min<std::size_t>(allowed, kMaxBurst))));
  for (std::size_t i = 0; i < frames.size(); ++i) {
    const std::uint32_t number = stream_.first + next_ + static_cast<std::uint32_t>(i);
    frames[i].bytes = stream_.bytes(number);
    EXPECT_LE(frames[i].bytes, port.room());
    write_packet(frames[i].span(), number, stream_.ethertype(number));
  }
  const std::size_t taken = side_.port().transmit(frames);
  side_.port().recycle(frames.subspan(taken));
  next_ += static_cast<std::uint32_t>(taken);
  side_.turn();
  return taken != 0;
}

Sink::Sink(const Side& side, Stream stream)
    : side_{side}, stream_{std::move(stream)}, next_{stream_.first} {
  skip_lost();
}

bool Sink::turn() {
  side_.turn();
  std::array<Frame, kMaxBurst> memory;
  const auto frames = std::span{memory}.first(side_.port().receive(memory));
  for (const Frame& frame : frames) check(frame);
  side_.port().recycle(frames);
  return !frames.empty();
}

void Sink::receive_all() {
  auto deadline = std::chrono::steady_clock::now() + kPatience;
  while (!done() && !testing::Test::HasFailure() && std::chrono::steady_clock::now() < deadline) {
    if (turn()) {
      deadline = std::chrono::steady_clock::now() + kPatience;
    } else {
      side_.wait();
    }
  }
  EXPECT_TRUE(done()) << "packet " << progress() << " of " << stream_.end() << " did not come";
}

void Sink::check(const Frame& frame) {
  ASSERT_FALSE(done()) << "a packet too many: " << number_of(frame.span());
  const std::uint32_t sent = stream_.bytes(next_);
  EXPECT_EQ(frame.bytes, sent + static_cast<std::uint32_t>(stream_.grown));
  EXPECT_TRUE(is_packet(frame.span(), next_, sent));
  // After a gap the packets behind it are compared with their own numbers again.
  next_ = std::max<std::uint32_t>(next_, std::min(number_of(frame.span()), stream_.end() - 1)) + 1;
  skip_lost();
}

void Sink::skip_lost() {
  while (!done() && !stream_.arrives(next_)) ++next_;
}

void transfer(const Side& from, const Side& to, const Stream& stream) {
  Source source{from, stream};
  Sink sink{to, stream};
  std::jthread sender{[&](const std::stop_token& stop) {
    while (!source.done() && !stop.stop_requested()) {
      if (!source.turn(sink.progress() + kWindow)) std::this_thread::yield();
    }
    settle(from);
  }};
  sink.receive_all();
  sender.request_stop();
  sender.join();
  to.turn();
}

void receive(const Side& to, const Stream& stream) {
  Sink{to, stream}.receive_all();
  to.turn();
}

void settle(const Side& side) {
  const AfxdpPort& port = side.port();
  EXPECT_TRUE(eventually([&] {
    side.turn();
    return port.counters().completed.value() == port.counters().transmitted.value();
  })) << port.waiting_to_leave()
      << " frames still in the TX ring";
}

std::uint64_t redirected(const RedirectProgram& program) {
  const auto frames = program.decisions().frames;
  return std::accumulate(frames.begin(), frames.begin() + VALINOR_NOT_TELEMETRY,
                         frames[VALINOR_FORWARDED]);
}

void wait_for_carrier(const std::string& interface) {
  EXPECT_TRUE(eventually([&] { return is_running(interface); })) << interface << ": no carrier";
}

void connect(End& near, End& far) {
  for (End* end : {&near, &far}) wait_for_carrier(end->opened().interface().name);
  for (End* end : {&near, &far}) end->opened().steer();
}

void expect_conserved(const End& end, std::uint32_t in_kernel) {
  const AfxdpPort& port = end.port();
  const std::uint64_t total = port.census().total();
  if (port.is_zerocopy()) {
    const auto rings = device_rings(end.opened().interface().name);
    in_kernel += rings ? rings->rx : kUnknownDeviceRing;
  }
  EXPECT_LE(total, port.frames());
  EXPECT_GE(total + in_kernel, port.frames());
  EXPECT_EQ(port.counters().bogus_addresses.value(), 0U);
  EXPECT_EQ(port.counters().transmitted.value(), port.counters().completed.value());

  std::set<std::uint64_t> free;
  while (end.pool().free() != 0) {
    const std::uint64_t address = end.pool().take();
    EXPECT_TRUE(free.insert(address).second) << "frame " << address << " is free twice";
  }
  for (const std::uint64_t address : free) end.pool().give(address);

  const auto kernel = port.kernel_statistics();
  EXPECT_EQ(redirected(end.opened().program()),
            port.counters().received.value() + kernel.rx_dropped + kernel.rx_ring_full);
}

}  // namespace valinor::packet_io::afxdp
