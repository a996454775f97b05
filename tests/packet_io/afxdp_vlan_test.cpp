/// Who is told that VLAN tags do not come in the frames.
#include <fcntl.h>
#include <fmt/format.h>

#include "packet_io/afxdp/vlan_tags.hpp"
#include "packet_io/afxdp_veth.hpp"

namespace valinor::packet_io::afxdp {
namespace {

class AfxdpVlanTags : public VethTest {
 protected:
  static std::optional<Finding> found() { return find_lost_vlan_tags(nic::Device{"near"}); }
};

TEST_F(AfxdpVlanTags, NamesTheOtherEndOfAVethThatKeepsThemOutside) {
  const auto finding = found();
  ASSERT_TRUE(finding);
  EXPECT_EQ(finding->code, "IF-VLAN-01");
  EXPECT_EQ(finding->what, "near: packets with a VLAN tag are sent on without it");
  EXPECT_EQ(
      finding->why,
      "tx-vlan-hw-insert and tx-vlan-stag-hw-insert of far, its other end: tags travel beside "
      "the packets");
  const std::string command = "ethtool -K far txvlan off tx-vlan-stag-hw-insert off";
  EXPECT_TRUE(finding->next.starts_with(command)) << finding->next;
  test::run_command(command);
  EXPECT_FALSE(found()) << "the command must help";
}

TEST_F(AfxdpVlanTags, NamesOnlyWhatIsOn) {
  test::run_command("ethtool -K far txvlan off");
  const auto finding = found();
  ASSERT_TRUE(finding);
  EXPECT_TRUE(finding->next.starts_with("ethtool -K far tx-vlan-stag-hw-insert off  "));
}

/// Its number is that of somebody else here, who keeps tags outside as well.
TEST_F(AfxdpVlanTags, SaysNothingOfAnOtherEndInAnotherNamespace) {
  const UniqueFd away{::open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC)};
  const test::NetworkNamespace here;
  test::VethPair{"left", "right", 1};
  test::run_command(fmt::format("ip link set right netns /proc/{}/fd/{}", ::getpid(), away.get()));
  test::VethPair{"some", "thing", 1};
  test::VethPair{"any", "body", 1};
  EXPECT_FALSE(find_lost_vlan_tags(nic::Device{"left"}));
  EXPECT_TRUE(find_lost_vlan_tags(nic::Device{"some"}));
}

TEST_F(AfxdpVlanTags, SaysNothingOfInterfacesThatLeaveThemIn) {
  test::run_command("ip tuntap add tap0 mode tap");
  EXPECT_FALSE(find_lost_vlan_tags(nic::Device{"tap0"}));
  EXPECT_FALSE(should_ask_for_vlan_tags(nic::Device{"tap0"}));
}

}  // namespace
}  // namespace valinor::packet_io::afxdp
