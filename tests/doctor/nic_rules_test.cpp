#include "healthy.hpp"

namespace valinor::doctor {
namespace {

using packet_io::afxdp::Mode;
using packet_io::afxdp::PollMode;

class NicRules : public testing::Test {
 protected:
  Diagnosis fault(Level level, const char* topic) const {
    return only(judge_nic(nic_, wanted_, host_), level, topic);
  }
  void expect_healthy() const {
    const Diagnoses bad = faults(judge_nic(nic_, wanted_, host_));
    EXPECT_TRUE(bad.empty()) << bad[0].topic << ": " << bad[0].text;
  }
  NicFacts nic_ = healthy_nic();
  Wanted wanted_ = healthy_wanted();
  HostFacts host_ = healthy_host();
};

TEST_F(NicRules, AHealthyNicHasNoFault) { expect_healthy(); }

TEST_F(NicRules, SwitchedOff) {
  nic_.link.up = nic_.link.carrier = false;
  EXPECT_EQ(fault(Level::failure, "link").command, "ip link set eth7 up");
}

TEST_F(NicRules, NoCarrier) {
  nic_.link.carrier = false;
  fault(Level::warning, "link");
}

TEST_F(NicRules, ABondItself) {
  nic_.link.kind = "bond";
  EXPECT_NE(fault(Level::failure, "kind").text.find("receive nothing"), std::string::npos);
}

TEST_F(NicRules, AMemberOfABondOrTeam) {
  nic_.link.master = "bond0";
  nic_.link.master_kind = "bond";
  EXPECT_NE(fault(Level::warning, "master").text.find("bond bond0"), std::string::npos);
}

TEST_F(NicRules, AMemberOfABridge) {
  nic_.link.master = "br0";
  nic_.link.master_kind = "bridge";
  EXPECT_NE(fault(Level::warning, "master").text.find("bridge br0"), std::string::npos);
}

TEST_F(NicRules, ANarrowSlot) {
  nic_.place.pcie->lanes = 1;
  EXPECT_NE(fault(Level::warning, "pcie").text.find("x1"), std::string::npos);
}

TEST_F(NicRules, ADriverWithoutNativeXdp) {
  nic_.xdp = nic::XdpFeatures{};
  fault(Level::warning, "driver");
  wanted_.interface.mode = Mode::copy;
  fault(Level::failure, "driver");
  nic_.xdp.reset();  // an old kernel does not say
  expect_healthy();
}

TEST_F(NicRules, ZeroCopyThatTheDriverLacks) {
  nic_.xdp->acts = 1 | 2 | 4;
  wanted_.interface.mode = Mode::zerocopy;
  EXPECT_EQ(fault(Level::failure, "driver").command, "interfaces[].mode: auto");
}

TEST_F(NicRules, SomebodyElsesProgram) {
  nic_.programs = {{.mode = nic::XdpMode::native,
                    .program = 51,
                    .name = "xdp_filter",
                    .tag = "0123456789abcdef",
                    .link = 7,
                    .owner = 4711}};
  nic_.bind = {};
  nic_.bind.skipped = "another XDP program is on the interface";
  const Diagnosis found = fault(Level::failure, "xdp");
  EXPECT_NE(found.text.find("xdp_filter (id 51"), std::string::npos);
  EXPECT_NE(found.text.find("process 4711"), std::string::npos);
  EXPECT_EQ(found.command, "bpftool link detach id 7");
}

TEST_F(NicRules, ZeroCopyPromisedAndRefused) {
  nic_.bind.queues[0].zerocopy = nic_.bind.queues[1].zerocopy = false;
  nic_.bind.queues[0].zerocopy_refusal = nic_.bind.queues[1].zerocopy_refusal = "EINVAL";
  EXPECT_NE(fault(Level::warning, "bind").text.find("EINVAL"), std::string::npos);
}

TEST_F(NicRules, AQueueThatCannotBeBound) {
  nic_.bind.queues[1].refusal = Finding{"XSK-BUSY-01", "w", "somebody has it\nmore", "ss --xdp"};
  const Diagnosis found = fault(Level::failure, "bind");
  EXPECT_EQ(found.text, "queue 1: somebody has it");
  EXPECT_EQ(found.command, "ss --xdp");
}

TEST_F(NicRules, ATestThatCouldNotBeMade) {
  nic_.bind = {};
  nic_.bind.failure = Finding{"CAP-BPF-01", "cannot load", "CAP_BPF is missing", "run as root"};
  EXPECT_NE(fault(Level::failure, "bind").text.find("CAP_BPF"), std::string::npos);
}

TEST_F(NicRules, PacketsLargerThanAFrameBeforeLinux6_6) {
  host_.kernel = {6, 5, 0};
  nic_.link.mtu = 3000;
  wanted_.interface.umem.frame_size = 2048;
  EXPECT_EQ(fault(Level::failure, "mtu").command, "interfaces[].umem.frame_size: 4096");
  wanted_.interface.umem.frame_size = 4096;
  expect_healthy();
  nic_.link.mtu = 9000;
  EXPECT_EQ(fault(Level::failure, "mtu").command, "ip link set eth7 mtu 1500");
}

TEST_F(NicRules, PacketsLargerThanAFrameAreSeveralFrames) {
  nic_.link.mtu = 9000;
  expect_healthy();
  wanted_.interface.umem.frame_size = 2048;
  wanted_.interface.umem.headroom = 300;  // not even the usual MTU fits
  EXPECT_EQ(fault(Level::failure, "mtu").command, "interfaces[].umem.frame_size: 4096");
}

TEST_F(NicRules, AQueueThatIsNotThere) {
  wanted_.interface.queues = {QueueId{0}, QueueId{3}};
  const Diagnosis found = fault(Level::failure, "queues");
  EXPECT_EQ(found.command, "ethtool -L eth7 combined 4");
  EXPECT_EQ(found.fix, nic::Setting{nic::Channels{.combined = 4}});
  wanted_.interface.queues = {QueueId{8}};  // more than the NIC can have
  EXPECT_FALSE(fault(Level::failure, "queues").fix);
}

TEST_F(NicRules, RssToQueuesThatAreNotRead) {
  wanted_.interface.queues = {QueueId{0}};
  const Diagnosis found = fault(Level::warning, "steering");
  EXPECT_EQ(found.command, "ethtool -X eth7 equal 1");
  nic_.rss = {0, 0, 0, 0};
  expect_healthy();
  nic_.rss.clear();  // no table: any queue may get some
  EXPECT_FALSE(fault(Level::warning, "steering").fix);
}

TEST_F(NicRules, ARuleToAQueueThatIsNotRead) {
  wanted_.interface.queues = {QueueId{0}};
  nic_.rss = {0, 0};
  nic_.rules = {{{nic::FlowKind::udp4, 5000, QueueId{1}, 9}}};
  EXPECT_EQ(fault(Level::warning, "steering").command,
            "ethtool -N eth7 delete 9    if they are telemetry");
}

TEST_F(NicRules, EachOffloadThatHurts) {
  for (const char* name : {"rx-lro", "rx-gro-hw", "rx-udp-gro-forwarding", "rx-vlan-hw-parse"}) {
    nic_ = healthy_nic();
    nic_.features[name] = {true, true, true};
    const Diagnosis found = fault(Level::warning, "offloads");
    EXPECT_EQ(found.command, "ethtool -K eth7 " + std::string{name} + " off");
    EXPECT_EQ(found.fix, (nic::Setting{nic::FeatureState{name, false}}));
    nic_.features[name].changeable = false;
    EXPECT_FALSE(fault(Level::warning, "offloads").fix);
  }
}

TEST_F(NicRules, ATagThatIsPutBackIsNoLoss) {
  nic_.features["rx-vlan-hw-parse"] = {true, true, true};
  nic_.xdp->rx_metadata = 4;  // the driver tells the tag
  expect_healthy();
  nic_.xdp->rx_metadata.reset();
  nic_.link.hardware.clear();  // a virtual interface takes none
  expect_healthy();
}

TEST_F(NicRules, InterruptsOnAWorkersCpu) {
  nic_.place.interrupts = {{141, {CpuId{2}}}, {142, {CpuId{0}}}, {143, {CpuId{4}}}};
  const Diagnosis found = fault(Level::warning, "irq");
  EXPECT_NE(found.text.find("interrupts 141,143 are served by CPUs 2,4"), std::string::npos);
}

TEST_F(NicRules, WorkersFarFromTheNic) {
  wanted_.cpus = {CpuId{2}, CpuId{8}};
  EXPECT_NE(fault(Level::warning, "numa").text.find("CPUs 8"), std::string::npos);
}

TEST_F(NicRules, InterruptsThatWaitLong) {
  nic_.coalescing->rx_us = 250;
  EXPECT_EQ(fault(Level::warning, "coalescing").command,
            "ethtool -C eth7 adaptive-rx off rx-usecs 20");
}

TEST_F(NicRules, AFillRingThatIsSmallerThanTheNics) {
  nic_.rings->now.rx = 8192;
  fault(Level::warning, "rings");
}

// --- Drivers that are known ---------------------------------------------------------------------

TEST_F(NicRules, IceBeforeTheFixes) {
  nic_.driver.driver = "ice";
  host_.kernel = {6, 1, 0};
  EXPECT_NE(fault(Level::warning, "known").text.find("ethernet-linux-ice/issues/61"),
            std::string::npos);
  host_.kernel = {6, 11, 0};
  expect_healthy();
}

TEST_F(NicRules, IceWithOddRings) {
  nic_.driver.driver = "ice";
  nic_.rings->now = {1000, 1024};
  EXPECT_EQ(fault(Level::failure, "known").command, "ethtool -G eth7 rx 2048 tx 2048");
  wanted_.interface.mode = Mode::copy;
  expect_healthy();
}

TEST_F(NicRules, Mlx5ThatReceivesOnOtherQueues) {
  nic_.driver.driver = "mlx5_core";
  host_.kernel = {5, 10, 0};
  fault(Level::failure, "known");
  host_.kernel = {6, 1, 0};
  expect_healthy();
}

TEST_F(NicRules, IgbWithSmallFrames) {
  nic_.driver.driver = "igb";
  expect_healthy();
  wanted_.interface.umem.frame_size = 2048;
  EXPECT_EQ(fault(Level::failure, "known").command, "interfaces[].umem.frame_size: 4096");
}

TEST_F(NicRules, IxgbeBusyPolling) {
  nic_.driver.driver = "ixgbe";
  host_.kernel = {6, 14, 0};
  wanted_.interface.mode = Mode::zerocopy;
  EXPECT_EQ(faults(judge_nic(nic_, wanted_, host_)).size(), 1u);  // its link goes down
  wanted_.interface.poll = PollMode::busy;
  EXPECT_EQ(faults(judge_nic(nic_, wanted_, host_)).size(), 2u);
}

TEST_F(NicRules, CloudNicsWithoutSpareChannels) {
  for (const char* driver : {"ena", "gve", "virtio_net"}) {
    nic_ = healthy_nic();
    nic_.driver.driver = driver;
    expect_healthy();
    nic_.channels->most.combined = 2;
    const Diagnoses bad = faults(judge_nic(nic_, wanted_, host_));
    ASSERT_EQ(bad.size(), 1u) << driver;
    EXPECT_EQ(bad[0].topic, "known");
  }
  host_.kernel = {5, 10, 0};
  EXPECT_EQ(faults(judge_nic(nic_, wanted_, host_))[0].level, Level::failure);
}

}  // namespace
}  // namespace valinor::doctor
