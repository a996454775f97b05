#include "healthy.hpp"

namespace valinor::doctor {
namespace {

class HostRules : public testing::Test {
 protected:
  Diagnosis fault(Level level, const char* topic) const {
    return only(judge_host(host_, {wanted_}), level, topic);
  }
  HostFacts host_ = healthy_host();
  Wanted wanted_ = healthy_wanted();
};

TEST_F(HostRules, AHealthyHostHasNoFault) {
  EXPECT_TRUE(faults(judge_host(host_, {wanted_})).empty());
}

TEST_F(HostRules, AKernelWithoutAfXdp) {
  host_.af_xdp = false;
  EXPECT_NE(fault(Level::failure, "kernel").text.find("CONFIG_XDP_SOCKETS"), std::string::npos);
}

TEST_F(HostRules, JitOff) {
  host_.jit = false;
  EXPECT_EQ(fault(Level::warning, "jit").command, "sysctl net.core.bpf_jit_enable=1");
  host_.jit.reset();  // not to be asked is no fault
  EXPECT_TRUE(faults(judge_host(host_, {wanted_})).empty());
}

TEST_F(HostRules, LargePages) {
  host_.page_bytes = 65536;
  EXPECT_NE(fault(Level::warning, "pages").text.find("64 KiB"), std::string::npos);
}

TEST_F(HostRules, EachCapabilityByName) {
  for (const char* name : {"CAP_NET_RAW", "CAP_NET_ADMIN", "CAP_BPF", "CAP_PERFMON"}) {
    host_ = healthy_host();
    host_.capabilities[name] = false;
    EXPECT_EQ(fault(Level::failure, "rights").text.find(name), 0u) << name;
  }
}

TEST_F(HostRules, SysAdminIsAsGoodAsTheNewerCapabilities) {
  host_.capabilities["CAP_BPF"] = host_.capabilities["CAP_PERFMON"] = false;
  host_.capabilities["CAP_SYS_ADMIN"] = true;
  EXPECT_TRUE(faults(judge_host(host_, {wanted_})).empty());
}

TEST_F(HostRules, TooLittleLockableMemory) {
  host_.capabilities["CAP_IPC_LOCK"] = false;
  host_.memlock_bytes = 8 << 20;
  // 2 queues of 8192 frames of 4096 bytes
  EXPECT_NE(fault(Level::failure, "memlock").text.find("8192 KiB may be locked, 64 MiB"),
            std::string::npos);
  host_.memlock_bytes = 64 << 20;
  EXPECT_TRUE(faults(judge_host(host_, {wanted_})).empty());
  EXPECT_FALSE(faults(judge_host(host_, {wanted_, wanted_})).empty());
}

TEST_F(HostRules, TooFewHugePagesWhereTheyAreRequired) {
  wanted_.interface.umem.huge_pages = packet_io::afxdp::HugePages::require;
  host_.huge_pages_free = 31;  // two queues of 32 MiB need 32
  EXPECT_EQ(fault(Level::failure, "hugepages").command, "sysctl vm.nr_hugepages=32");
  host_.huge_pages_free = 32;
  EXPECT_TRUE(faults(judge_host(host_, {wanted_})).empty());
}

TEST_F(HostRules, AGovernorThatSavesPower) {
  host_.governors[CpuId{4}] = "powersave";
  EXPECT_EQ(fault(Level::warning, "governor").command,
            "cpupower -c 4 frequency-set -g performance");
  host_ = healthy_host();
  host_.governors[CpuId{9}] = "powersave";  // no worker's
  EXPECT_TRUE(faults(judge_host(host_, {wanted_})).empty());
}

TEST_F(HostRules, TwoWorkersOnOneCore) {
  wanted_.cpus = {CpuId{2}, CpuId{3}};
  EXPECT_NE(fault(Level::warning, "cores").text.find("CPUs 2"), std::string::npos);
}

TEST(KernelVersion, ReadsWhatUnameSays) {
  EXPECT_EQ(parse_kernel_version("6.1.0-28-amd64"), (KernelVersion{6, 1, 0}));
  EXPECT_EQ(parse_kernel_version("6.12.95+bpo"), (KernelVersion{6, 12, 95}));
  EXPECT_LT(parse_kernel_version("5.19"), (KernelVersion{6, 0, 0}));
  EXPECT_EQ(parse_kernel_version("odd"), KernelVersion{});
}

}  // namespace
}  // namespace valinor::doctor
