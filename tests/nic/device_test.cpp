#include "nic/device.hpp"

#include <algorithm>

#include "nic/cpu_list.hpp"
#include "nic/link.hpp"
#include "nic_veth.hpp"

namespace valinor::nic {
namespace {

class DeviceTest : public VethTest {};

TEST_F(DeviceTest, AnUnknownNameIsToldWithThoseThatThereAre) {
  try {
    const Device device{"nosuch0"};
    FAIL() << "found it";
  } catch (const Failure& failure) {
    EXPECT_EQ(failure.finding().code, "IF-NAME-01");
    EXPECT_NE(failure.finding().why.find("near"), std::string::npos);
  }
  EXPECT_THROW(Device{"a-name-that-is-far-too-long-for-an-interface"}, Failure);
}

TEST_F(DeviceTest, AnotherInterfaceOfTheSameNameIsNotTheSame) {
  const Device device{"near"};
  EXPECT_TRUE(device.is_there());
  test::run_command("ip link delete near");
  EXPECT_FALSE(device.is_there());
  test::VethPair{"near", "far", 1};
  EXPECT_FALSE(device.is_there());
}

TEST_F(DeviceTest, EveryNamespaceHasANumberOfItsOwn) {
  const std::uint64_t here = Device{"near"}.namespace_cookie();
  EXPECT_NE(here, 0u);
  const test::NetworkNamespace other;
  EXPECT_NE(Device{"lo"}.namespace_cookie(), here);
}

TEST_F(DeviceTest, SysfsOfAnotherNamespaceIsNotBelieved) {
  EXPECT_TRUE(Device{"near"}.is_in_sysfs());
  const test::NetworkNamespace other;  // /sys still shows the first one, with a "near" as well
  test::VethPair{"near", "far", 1};
  EXPECT_FALSE(Device{"near"}.is_in_sysfs());
}

TEST_F(DeviceTest, LinkTellsKindStateAndMaster) {
  test::run_command("ip link add br0 type bridge && ip link set near master br0");
  test::run_command("ip link set near mtu 1400 up && ip link set far down");
  const Link near = link_of(Device{"near"});
  EXPECT_EQ(near.kind, "veth");
  EXPECT_EQ(near.mtu, 1400u);
  EXPECT_TRUE(near.up);
  EXPECT_FALSE(near.carrier);
  EXPECT_EQ(near.master, "br0");
  EXPECT_EQ(near.master_kind, "bridge");
  EXPECT_TRUE(near.hardware.empty());
  EXPECT_EQ(near.rx_queues, 4u);
  EXPECT_FALSE(link_of(Device{"far"}).up);
  EXPECT_EQ(link_of(Device{"br0"}).kind, "bridge");
}

TEST(CpuList, ReadsWhatTheKernelWrites) {
  const auto numbers = [](std::string_view text) {
    std::vector<std::uint32_t> all;
    for (const CpuId cpu : parse_cpu_list(text)) all.push_back(cpu.value());
    return all;
  };
  EXPECT_EQ(numbers("0-3,8"), (std::vector<std::uint32_t>{0, 1, 2, 3, 8}));
  EXPECT_EQ(numbers("5"), (std::vector<std::uint32_t>{5}));
  EXPECT_TRUE(numbers("").empty());
  EXPECT_TRUE(numbers("(null)").empty());
}

TEST(CpuList, WritesWhatItReads) {
  for (const char* text : {"", "0", "0-3,8", "1,3,5-7", "0,1"}) {
    EXPECT_EQ(to_cpu_list(parse_cpu_list(text)), text);
  }
}

}  // namespace
}  // namespace valinor::nic
