/// What is believed of the header in front of a received frame: on invented memory, then on veth
/// with the program that writes it.
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/pkt_cls.h>
#include <net/if.h>

#include <array>
#include <cstring>
#include <limits>
#include <random>

#include "bpf/abi.h"
#include "packet_io/afxdp/rx_metadata.hpp"
#include "packet_io/afxdp_veth.hpp"

namespace valinor::packet_io::afxdp {
namespace {

constexpr RxMetadataWishes kAll{
    .hardware_time = true, .driver_time = true, .hash = true, .vlan_tag = true};

/// A frame of 64 bytes with a header in front of it, as the metadata program leaves it.
struct Prepared {
  valinor_rx_metadata header{.magic = VALINOR_RX_MAGIC,
                             .version = VALINOR_RX_VERSION,
                             .valid = VALINOR_RX_ALL,
                             .hash = 0x12345678,
                             .vlan_protocol = 0x0081,  // 0x8100 on the wire, read on x86
                             .vlan_control = 0x6007,
                             .hardware_ns = 1'800'000'000'000'000'001,
                             .driver_ns = 77'000'000'000};
  std::array<std::byte, 256> memory{};
  Frame frame;

  RxMetadataFound take(const RxMetadataWishes& tells = kAll) {
    std::memcpy(memory.data() + 128 - sizeof header, &header, sizeof header);
    return take_again(tells);
  }
  RxMetadataFound take_again(const RxMetadataWishes& tells = kAll) {
    for (std::size_t i = 0; i < 64; ++i) memory[128 + i] = static_cast<std::byte>(i);
    frame = {.data = memory.data() + 128, .bytes = 64, .wire_bytes = 64, .headroom = 128};
    return take_rx_metadata(frame, tells);
  }
};

TEST(RxMetadata, TellsTimeAndHashAndPutsTheVlanTagBack) {
  Prepared prepared;
  const auto found = prepared.take();
  EXPECT_TRUE(found.header);
  EXPECT_TRUE(found.vlan_tag);
  const Frame& frame = prepared.frame;
  EXPECT_EQ(frame.stamped_by, ArrivalStamp::hardware);
  EXPECT_EQ(frame.stamp, Nanos{1'800'000'000'000'000'001});
  EXPECT_EQ(frame.flow_hash, 0x12345678U);
  ASSERT_EQ(frame.bytes, 68U);
  EXPECT_EQ(frame.wire_bytes, 68U);
  EXPECT_EQ(frame.headroom, 124U);
  std::vector<std::byte> expected;
  for (std::size_t i = 0; i < 12; ++i) expected.push_back(static_cast<std::byte>(i));
  for (const int byte : {0x81, 0x00, 0x60, 0x07}) expected.push_back(static_cast<std::byte>(byte));
  for (std::size_t i = 12; i < 64; ++i) expected.push_back(static_cast<std::byte>(i));
  EXPECT_TRUE(std::equal(expected.begin(), expected.end(), frame.data));
}

TEST(RxMetadata, TakesTheDriversTimeWhereTheNicHasNone) {
  Prepared prepared;
  prepared.header.valid = VALINOR_RX_DRIVER_TIME | VALINOR_RX_HASH;
  EXPECT_TRUE(prepared.take().header);
  EXPECT_EQ(prepared.frame.stamped_by, ArrivalStamp::driver);
  EXPECT_EQ(prepared.frame.stamp, Nanos{77'000'000'000});
  EXPECT_EQ(prepared.frame.bytes, 64U) << "no VLAN tag is valid";
}

TEST(RxMetadata, TellsNothingASecondTime) {
  Prepared prepared;
  ASSERT_TRUE(prepared.take().header);
  EXPECT_FALSE(prepared.take_again().header);
  EXPECT_EQ(prepared.frame.stamped_by, ArrivalStamp::none);
  EXPECT_EQ(prepared.frame.flow_hash, 0U);
  EXPECT_EQ(prepared.frame.bytes, 64U);
}

TEST(RxMetadata, IsNotBelievedWithAnythingThatTheProgramCannotHaveWritten) {
  const auto refused = [](auto change, const RxMetadataWishes& tells = kAll) {
    Prepared prepared;
    change(prepared.header);
    const auto found = prepared.take(tells);
    return !found.header && !found.vlan_tag && prepared.frame.bytes == 64 &&
           prepared.frame.stamped_by == ArrivalStamp::none && prepared.frame.flow_hash == 0;
  };
  EXPECT_FALSE(refused([](auto&) {}));
  EXPECT_TRUE(refused([](auto& header) { header.magic ^= 1; }));
  EXPECT_TRUE(refused([](auto& header) { header.version = 2; }));
  EXPECT_TRUE(refused([](auto& header) { header.valid |= 0x10; }));
  EXPECT_TRUE(refused([](auto&) {}, {.hardware_time = true, .hash = true, .vlan_tag = true}))
      << "driver time was never asked for";
}

TEST(RxMetadata, TimesOfZeroOrBeyondTheClockAreNone) {
  for (const std::uint64_t nanos :
       {std::uint64_t{0}, std::uint64_t{1} << 62, std::numeric_limits<std::uint64_t>::max()}) {
    Prepared prepared;
    prepared.header.valid = VALINOR_RX_HARDWARE_TIME;
    prepared.header.hardware_ns = nanos;
    EXPECT_TRUE(prepared.take().header);
    EXPECT_EQ(prepared.frame.stamped_by, ArrivalStamp::none) << nanos;
  }
}

TEST(RxMetadata, ATagOfAnotherProtocolOrForAFrameWithoutAddressesIsLeftOut) {
  Prepared prepared;
  prepared.header.vlan_protocol = 0x0008;  // 0x0800: IPv4
  EXPECT_FALSE(prepared.take().vlan_tag);
  EXPECT_EQ(prepared.frame.bytes, 64U);
  prepared.header.vlan_protocol = 0xa888;  // 0x88a8: a service tag
  EXPECT_TRUE(prepared.take().vlan_tag);

  Prepared tiny;
  std::memcpy(tiny.memory.data() + 128 - sizeof tiny.header, &tiny.header, sizeof tiny.header);
  tiny.frame = {.data = tiny.memory.data() + 128, .bytes = 11, .wire_bytes = 11, .headroom = 128};
  EXPECT_FALSE(take_rx_metadata(tiny.frame, kAll).vlan_tag);
  EXPECT_EQ(tiny.frame.bytes, 11U);
}

TEST(RxMetadata, ReadsNothingInFrontOfAFramesMemory) {
  Prepared prepared;
  std::memcpy(prepared.memory.data() + 128 - sizeof prepared.header, &prepared.header,
              sizeof prepared.header);
  prepared.frame = {.data = prepared.memory.data() + 128, .bytes = 64, .headroom = 31};
  EXPECT_FALSE(take_rx_metadata(prepared.frame, kAll).header);
  prepared.frame.headroom = 32;
  EXPECT_TRUE(take_rx_metadata(prepared.frame, kAll).header);
}

/// Whatever stands there: the frame stays within its memory, and only the stamp's kind says valid.
TEST(RxMetadata, RandomHeadersDoNoHarm) {
  std::mt19937_64 random{20240611};
  for (int i = 0; i < 200'000; ++i) {
    Prepared prepared;
    for (std::size_t at = 0; at < sizeof prepared.header; ++at) {
      if (random() % 3 == 0) {
        const std::size_t behind_version = 6 + at % (sizeof prepared.header - 6);
        reinterpret_cast<std::byte*>(&prepared.header)[behind_version] =
            static_cast<std::byte>(random());
      }
    }
    if (random() % 2 == 0) prepared.header.valid = VALINOR_RX_ALL;
    const auto found = prepared.take();
    const Frame& frame = prepared.frame;
    ASSERT_EQ(frame.bytes, found.vlan_tag ? 68U : 64U);
    ASSERT_EQ(frame.data, prepared.memory.data() + frame.headroom);
    ASSERT_EQ(frame.headroom + frame.bytes, 192U);
    ASSERT_EQ(frame.stamped_by != ArrivalStamp::none, frame.stamp > Nanos{0});
    ASSERT_TRUE(found.header || frame.stamped_by == ArrivalStamp::none);
  }
}

class AfxdpMetadata : public VethTest {
 protected:
  static InterfaceConfig wishing(const RxMetadataWishes& wishes, Mode mode = Mode::automatic) {
    InterfaceConfig config = near(mode);
    config.metadata = wishes;
    return config;
  }

  /// Nanoseconds of CLOCK_MONOTONIC.
  static Nanos monotonic_now() { return std::chrono::steady_clock::now().time_since_epoch(); }
};

/// veth answers the question for a hardware time, with 0: that must not become a stamp.
TEST_F(AfxdpMetadata, VethHasHeadersButNoHardwareTime) {
  Opened opened{wishing({.hardware_time = true, .hash = true, .vlan_tag = true}), {}};
  if (!opened.program().tells().need_driver()) {
    GTEST_SKIP() << "no metadata here: " << opened.metadata_refusal();
  }
  opened.steer();
  AfxdpPort& port = *opened.ports()[0];
  Sender sender;
  for (std::uint32_t round = 0; round < 100; ++round) {
    sender.send(round * 50, 50);
    std::uint32_t expected = round * 50;
    ASSERT_EQ(receive_all(port, 50,
                          [&](const Frame& frame) {
                            EXPECT_EQ(number_of(frame.span()), expected++);
                            EXPECT_EQ(frame.bytes, 60U);
                            EXPECT_EQ(frame.stamped_by, ArrivalStamp::none);
                          }),
              50U);
  }
  EXPECT_EQ(port.counters().headers.value(), 5000U);
  EXPECT_EQ(port.counters().without_header.value(), 0U);
  EXPECT_EQ(*opened.program().headerless(), 0U);
  EXPECT_EQ(port.census().total(), port.frames());
}

TEST_F(AfxdpMetadata, TheDriversTimeLiesBetweenSendingAndReceivingAndNeverRunsBackwards) {
  for (const Mode mode : {Mode::copy, Mode::skb}) {
    SCOPED_TRACE(to_name(mode));
    Opened opened{wishing({.driver_time = true}, mode), {}};
    opened.steer();
    AfxdpPort& port = *opened.ports()[0];
    Sender sender;
    Nanos last = monotonic_now();
    for (std::uint32_t i = 0; i < 500; ++i) {
      sender.send(i, 1);
      ASSERT_EQ(receive_all(port, 1,
                            [&](const Frame& frame) {
                              ASSERT_EQ(frame.stamped_by, ArrivalStamp::driver);
                              ASSERT_GT(frame.stamp, last);
                              ASSERT_LT(frame.stamp, monotonic_now());
                              last = monotonic_now();
                            }),
                1U);
    }
    EXPECT_EQ(port.counters().headers.value(), 500U);
  }
}

/// A program at tc egress that gives what leaves a VLAN tag, which the kernel keeps beside the
/// frame for the NIC to put in. Goes with the interface.
struct TagOutsideOfTheFrame {
  TagOutsideOfTheFrame(const char* interface, std::int32_t control) {
    const std::array program{
        bpf_insn{.code = BPF_ALU64 | BPF_MOV | BPF_K,
                 .dst_reg = BPF_REG_2,
                 .src_reg = 0,
                 .off = 0,
                 .imm = 0x0081},  // 0x8100 in network order
        bpf_insn{.code = BPF_ALU64 | BPF_MOV | BPF_K,
                 .dst_reg = BPF_REG_3,
                 .src_reg = 0,
                 .off = 0,
                 .imm = control},
        bpf_insn{.code = BPF_JMP | BPF_CALL,
                 .dst_reg = 0,
                 .src_reg = 0,
                 .off = 0,
                 .imm = BPF_FUNC_skb_vlan_push},
        bpf_insn{.code = BPF_ALU64 | BPF_MOV | BPF_K,
                 .dst_reg = BPF_REG_0,
                 .src_reg = 0,
                 .off = 0,
                 .imm = TC_ACT_OK},
        bpf_insn{.code = BPF_JMP | BPF_EXIT, .dst_reg = 0, .src_reg = 0, .off = 0, .imm = 0}};
    const UniqueFd fd{::bpf_prog_load(BPF_PROG_TYPE_SCHED_CLS, "tag", "GPL", program.data(),
                                      program.size(), nullptr)};
    bpf_tc_hook hook{};
    hook.sz = sizeof hook;
    hook.ifindex = static_cast<int>(::if_nametoindex(interface));
    hook.attach_point = BPF_TC_EGRESS;
    bpf_tc_opts options{};
    options.sz = sizeof options;
    options.prog_fd = fd.get();
    if (!fd || ::bpf_tc_hook_create(&hook) != 0 || ::bpf_tc_attach(&hook, &options) != 0) {
      throw_errno("tag what leaves");
    }
  }
};

/// The sender's veth leaves the tag outside of the frame, as a NIC that strips tags does.
TEST_F(AfxdpMetadata, AStrippedVlanTagIsBackInTheFrameThatIsReceivedAndReflected) {
  use_one_queue();
  const TagOutsideOfTheFrame tagging{"far", 0x6007};
  test::PacketSocket far{"far"};

  {
    Opened plain{near(Mode::copy), {}};
    plain.steer();
    far.send(numbered(1));
    receive_all(*plain.ports()[0], 1, [](const Frame& frame) {
      EXPECT_EQ(frame.data[12], std::byte{0x12}) << "without metadata the tag is lost";
    });
  }
  Opened opened{wishing({.vlan_tag = true}), {}};
  if (!opened.program().tells().vlan_tag) GTEST_SKIP() << opened.metadata_refusal();
  opened.steer();
  AfxdpPort& port = *opened.ports()[0];
  for (std::uint32_t i = 0; i < 1000; ++i) {
    far.send(numbered(i));
    Frame frame;
    ASSERT_TRUE(eventually([&] {
      port.flush();
      if (port.receive({&frame, 1}) == 1) return true;
      AfxdpPort::wait(std::array{&port});
      return false;
    }));
    ASSERT_EQ(frame.bytes, 64U);
    const std::array expected{std::byte{0x81}, std::byte{0x00}, std::byte{0x60},
                              std::byte{0x07}, std::byte{0x12}, std::byte{0x12}};
    ASSERT_TRUE(std::equal(expected.begin(), expected.end(), frame.data + 12));
    ASSERT_EQ(number_of(frame.span().subspan(4)), i);
    ASSERT_EQ(port.transmit({&frame, 1}), 1U);
    port.flush();
  }
  EXPECT_EQ(port.counters().vlan_tags.value(), 1000U);
  EXPECT_EQ(port.census().total(), port.frames());
}

/// The program says once that a frame went without a header; from then on what stands in front of
/// frames is anybody's, however sound it looks.
TEST_F(AfxdpMetadata, NoHeaderIsBelievedOnceAFrameWentWithoutOne) {
  Opened opened{wishing({.driver_time = true}, Mode::copy), {}};
  AfxdpPort& port = *opened.ports()[0];
  std::uint32_t headerless = 0;
  port.expect_headers({.driver_time = true}, &headerless);
  opened.steer();
  Sender sender;
  sender.send(0, 10);
  EXPECT_EQ(
      receive_all(port, 10,
                  [](const Frame& frame) { EXPECT_EQ(frame.stamped_by, ArrivalStamp::driver); }),
      10U);
  headerless = 1;
  sender.send(10, 10);
  EXPECT_EQ(
      receive_all(port, 10,
                  [](const Frame& frame) { EXPECT_EQ(frame.stamped_by, ArrivalStamp::none); }),
      10U);
  EXPECT_EQ(port.counters().headers.value(), 10U);
  EXPECT_EQ(port.counters().without_header.value(), 10U);
}

TEST_F(AfxdpMetadata, GenericModeFallsBackToThePlainProgramAndSaysWhy) {
  Opened opened{wishing({.hardware_time = true}, Mode::skb), {}};
  EXPECT_FALSE(opened.program().tells().any());
  EXPECT_EQ(opened.metadata_refusal(), "generic XDP knows nothing of what the NIC says of a frame");
  opened.steer();
  Sender sender;
  sender.send(0, 5);
  EXPECT_EQ(receive_all(*opened.ports()[0], 5, [](const Frame&) {}), 5U);
}

/// lo has no native XDP, so none that is bound to a device either.
TEST_F(AfxdpMetadata, ADriverWithoutMetadataGetsThePlainProgram) {
  test::run_command("ip link set lo up mtu 1500");
  InterfaceConfig config = wishing({.hardware_time = true});
  config.name = "lo";
  const Opened opened{config, {}};
  EXPECT_FALSE(opened.program().tells().any());
  EXPECT_FALSE(opened.metadata_refusal().empty());
  EXPECT_EQ(opened.mode_of(*opened.ports()[0]), Mode::skb);
}

}  // namespace
}  // namespace valinor::packet_io::afxdp
