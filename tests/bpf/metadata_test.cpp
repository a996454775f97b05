/// The headers that the metadata programs write in front of frames.
#include <bpf/bpf.h>
#include <gtest/gtest.h>
#include <linux/bpf.h>
#include <net/if.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <cstring>

#include "base/failure.hpp"
#include "packet_io/afxdp/redirect_program.hpp"
#include "support/netns.hpp"
#include "support/packet_builder.hpp"

namespace valinor {
namespace {

using packet_io::afxdp::OtherTraffic;
using packet_io::afxdp::RedirectProgram;
using packet_io::afxdp::RxMetadataWishes;
using test::PacketBuilder;

/// What a program made of a frame: its header, if any, and the frame.
struct Output {
  int error = 0;
  std::uint32_t action = 0;
  std::vector<std::byte> bytes;

  [[nodiscard]] valinor_rx_metadata header() const {
    valinor_rx_metadata header{};
    std::memcpy(&header, bytes.data(), sizeof header);
    return header;
  }
};

class Metadata : public testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "loading BPF programs needs root";
  }

  static Output run(const RedirectProgram& program, const test::Frame& frame) {
    Output output;
    output.bytes.resize(frame.size() + 256);
    bpf_test_run_opts options{};
    options.sz = sizeof options;
    options.data_in = frame.data();
    options.data_size_in = static_cast<std::uint32_t>(frame.size());
    options.data_out = output.bytes.data();
    options.data_size_out = static_cast<std::uint32_t>(output.bytes.size());
    options.repeat = 1;
    output.error = -::bpf_prog_test_run_opts(program.fd(), &options);
    output.action = options.retval;
    output.bytes.resize(output.error == 0 ? options.data_size_out : 0);
    return output;
  }

  static Nanos now() { return std::chrono::steady_clock::now().time_since_epoch(); }

  const test::Frame telemetry = PacketBuilder{}.ethernet().ethertype(0x1212).payload(46).build();
  const test::Frame plain = PacketBuilder{}.ethernet().ipv4(1).payload(30).build();
  UniqueFd socket{::socket(AF_XDP, SOCK_RAW | SOCK_CLOEXEC, 0)};
};

TEST_F(Metadata, TheStampedProgramWritesItsTimeInFrontOfTheFrame) {
  RedirectProgram program{{}, OtherTraffic::kernel, 1, {.driver_time = true}};
  program.steer(QueueId{0}, socket.get());
  const auto before = static_cast<std::uint64_t>(now().count());
  const Output output = run(program, telemetry);
  ASSERT_EQ(output.error, 0);
  EXPECT_EQ(output.action, XDP_REDIRECT);
  ASSERT_EQ(output.bytes.size(), telemetry.size() + sizeof(valinor_rx_metadata));
  const auto header = output.header();
  EXPECT_EQ(header.magic, VALINOR_RX_MAGIC);
  EXPECT_EQ(header.version, VALINOR_RX_VERSION);
  EXPECT_EQ(header.valid, VALINOR_RX_DRIVER_TIME);
  EXPECT_GT(header.driver_ns, before);
  EXPECT_LT(header.driver_ns, static_cast<std::uint64_t>(now().count()));
  EXPECT_EQ(header.hardware_ns, 0U);
  EXPECT_EQ(header.hash, 0U);
  EXPECT_EQ(header.vlan_protocol, 0U);
  EXPECT_EQ(header.vlan_control, 0U);
  EXPECT_TRUE(std::equal(telemetry.begin(), telemetry.end(),
                         output.bytes.begin() + sizeof(valinor_rx_metadata)));
  EXPECT_EQ(*program.headerless(), 0U);
}

TEST_F(Metadata, WhatGoesToTheStackHasNoHeader) {
  RedirectProgram program{{}, OtherTraffic::kernel, 1, {.driver_time = true}};
  EXPECT_EQ(run(program, telemetry).bytes, telemetry) << "its queue has no socket";
  program.steer(QueueId{0}, socket.get());
  const Output output = run(program, plain);
  EXPECT_EQ(output.action, XDP_PASS);
  EXPECT_EQ(output.bytes, plain);
}

TEST_F(Metadata, ThePlainProgramWritesNothing) {
  RedirectProgram program{{}, OtherTraffic::kernel, 1};
  program.steer(QueueId{0}, socket.get());
  EXPECT_EQ(run(program, telemetry).bytes, telemetry);
  EXPECT_EQ(program.headerless(), nullptr);
}

/// The kernel runs no program that is bound to a device outside of it (EINVAL): there is a test
/// with packets for that one. Here: that the verifier takes it with any wishes, on a driver that
/// knows.
TEST_F(Metadata, TheProgramOfADeviceLoadsWithAnyWishes) {
  const test::NetworkNamespace network;
  const test::VethPair pair{"near", "far", 1};
  const InterfaceIndex near{::if_nametoindex("near")};
  for (unsigned bits = 1; bits < 16; ++bits) {
    const RxMetadataWishes wishes{.hardware_time = (bits & 1) != 0,
                                  .driver_time = (bits & 2) != 0,
                                  .hash = (bits & 4) != 0,
                                  .vlan_tag = (bits & 8) != 0};
    const RedirectProgram program{{}, OtherTraffic::forward, 1, wishes, near};
    EXPECT_EQ(program.tells().driver_time, wishes.driver_time);
    EXPECT_NE(program.headerless(), nullptr);
    if (program.tells().need_driver()) {
      EXPECT_EQ(run(program, telemetry).error, EINVAL);
    }
  }
}

TEST_F(Metadata, ADriverThatTellsNothingIsALoadThatIsRefused) {
  const InterfaceIndex loopback{::if_nametoindex("lo")};
  try {
    const RedirectProgram program{{}, OtherTraffic::kernel, 1, {.hardware_time = true}, loopback};
    EXPECT_FALSE(program.tells().any()) << "a kernel without metadata";
  } catch (const Failure& failure) {
    EXPECT_EQ(failure.finding().code, packet_io::afxdp::kLoadRefused);
  }
}

}  // namespace
}  // namespace valinor
