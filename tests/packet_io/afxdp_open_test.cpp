/// Opening, refusing and leaving no trace.
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/if_link.h>
#include <signal.h>
#include <sys/wait.h>

#include <filesystem>

#include "packet_io/afxdp_veth.hpp"

namespace valinor::packet_io::afxdp {
namespace {

bool contains(const std::string& text, const char* part) {
  return text.find(part) != std::string::npos;
}

class AfxdpOpen : public VethTest {};

std::size_t open_descriptors() {
  namespace fs = std::filesystem;
  return static_cast<std::size_t>(
      std::distance(fs::directory_iterator{"/proc/self/fd"}, fs::directory_iterator{}));
}

std::uint32_t attached_program() {
  std::uint32_t id = 0;
  ::bpf_xdp_query_id(static_cast<int>(find_interface("near").index.value()), 0, &id);
  return id;
}

TEST_F(AfxdpOpen, AutomaticTakesNativeCopyOnVethAndSaysWhyNotZeroCopy) {
  const Opened opened{near(Mode::automatic), {}};
  const AfxdpPort& port = *opened.ports()[0];
  EXPECT_EQ(opened.mode_of(port), Mode::copy);
  EXPECT_EQ(opened.refusal_of(port), "driver veth answered EOPNOTSUPP to bind(XDP_ZEROCOPY)");
}

TEST_F(AfxdpOpen, AutomaticTakesGenericWhereNativeIsRefused) {
  // A peer that sends on more queues than there are to receive.
  test::run_command("ethtool -L near rx 1 tx 2");
  const Opened opened{near(Mode::automatic), {}};
  EXPECT_EQ(opened.mode_of(*opened.ports()[0]), Mode::skb);
  EXPECT_PRED2(contains, opened.refusal_of(*opened.ports()[0]), "ENOSPC");
}

TEST_F(AfxdpOpen, AProgramWithoutFragmentsIsRefusedWhereTheMtuIsTooLargeForVeth) {
  test::run_command("ip link set near mtu 3800; ip link set far mtu 3800");
  { const Opened with_fragments{near(Mode::copy), {}}; }
  RedirectProgram program{{}, OtherTraffic::kernel, 2};
  const auto finding =
      finding_of([&] { program.attach(find_interface("near"), AttachMode::native); });
  EXPECT_EQ(finding.code, "XDP-ATTACH-01");
  EXPECT_PRED2(contains, finding.why, "MTU is 3800");
  EXPECT_PRED2(contains, finding.next, "ip link set near mtu 1500");
}

TEST_F(AfxdpOpen, AFilterOnTheNicIsRefusedOnVethAndLeavesNothing) {
  const auto finding = finding_of([] { Opened{near(Mode::offload), {}}; });
  EXPECT_EQ(finding.code, "XDP-OFFLOAD-01");
  EXPECT_EQ(finding.what, "near: no filter on the NIC itself");
  EXPECT_PRED2(contains, finding.why, "the NIC runs no XDP programs itself");
  EXPECT_EQ(attached_program(), 0U) << "the refused start must leave nothing";
}

TEST_F(AfxdpOpen, ZeroCopyAskedForIsRefusedOnVeth) {
  const auto finding = finding_of([] { Opened{near(Mode::zerocopy), {}}; });
  EXPECT_EQ(finding.code, "XSK-ZC-01");
  EXPECT_EQ(finding.what, "near queue 0: zero-copy socket refused");
  EXPECT_PRED2(contains, finding.why, "driver veth answered EOPNOTSUPP to bind(XDP_ZEROCOPY)");
  EXPECT_EQ(attached_program(), 0U) << "the refused start must leave nothing";
}

TEST_F(AfxdpOpen, NamesTheInterfacesThereAre) {
  auto config = near(Mode::copy);
  config.name = "naer";
  const auto finding = finding_of([&] { Opened{config, {}}; });
  EXPECT_EQ(finding.code, "IF-NAME-01");
  EXPECT_PRED2(contains, finding.why, "near");
  config.name = std::string(40, 'x');
  EXPECT_EQ(finding_of([&] { Opened{config, {}}; }).code, "IF-NAME-01");
}

TEST_F(AfxdpOpen, NamesTheQueuesThereAre) {
  const auto finding = finding_of([] { Opened{near(Mode::copy, {QueueId{2}}), {}}; });
  EXPECT_EQ(finding.code, "IF-QUEUE-01");
  EXPECT_EQ(finding.what, "near queue 2: no such queue");
  EXPECT_PRED2(contains, finding.why, "usable are 0 to 1");
}

TEST_F(AfxdpOpen, RefusesFramesTooSmallForTheUsualMtu) {
  auto config = near(Mode::copy);
  config.umem.frame_size = 2048;
  config.umem.headroom = 300;
  test::run_command("ip link set near mtu 1470");
  { Opened fits{config, {}}; }
  test::run_command("ip link set near mtu 1471");
  const auto finding = finding_of([&] { Opened{config, {}}; });
  EXPECT_EQ(finding.code, "XSK-MTU-01");
  EXPECT_PRED2(contains, finding.why, "MTU is 1471; umem.frame_size 2048");
  EXPECT_PRED2(contains, finding.why, "packets of several frames are passed on, but not edited");
  EXPECT_PRED2(contains, finding.next, "umem.frame_size: 4096");
}

TEST_F(AfxdpOpen, TakesPacketsOfSeveralFramesWhereTheMtuIsLarger) {
  auto config = near(Mode::copy);
  config.umem.frame_size = 2048;
  test::run_command("ip link set near mtu 1770");
  {
    const Opened one_frame{config, {}};
    EXPECT_FALSE(one_frame.ports()[0]->takes_several_buffers());
  }
  test::run_command("ip link set near mtu 1771");
  const Opened opened{config, {}};
  EXPECT_TRUE(opened.ports()[0]->takes_several_buffers());
  EXPECT_EQ(OpenInterface::extras_of(*opened.ports()[0]), ", packets of several frames");
}

TEST_F(AfxdpOpen, SaysThatAQueueIsTaken) {
  const Opened first{near(Mode::copy), {}};
  const auto interface = find_interface("near");
  const auto finding = finding_of([&] {
    FramePool pool{{.frames = 64, .frame_size = 4096}};
    AfxdpPort{interface, QueueId{0}, pool, RingSizes{}, Mode::copy};
  });
  EXPECT_EQ(finding.code, "XSK-BUSY-01");
  EXPECT_EQ(finding.what, "near queue 0: AF_XDP socket refused");
  EXPECT_PRED2(contains, finding.next, "ss --xdp");
}

TEST_F(AfxdpOpen, NamesAnotherProgramHeldByALink) {
  const Opened first{near(Mode::copy, {QueueId{0}}), {}};
  for (const Mode mode : {Mode::automatic, Mode::skb}) {
    const auto finding = finding_of([&] { Opened{near(mode, {QueueId{1}}), {}}; });
    EXPECT_EQ(finding.code, "XDP-OTHER-01");
    EXPECT_PRED2(contains, finding.why, "'valinor_redirec' (native), held by bpf_link");
    EXPECT_PRED2(contains, finding.next, "bpftool link detach id");
  }
}

TEST_F(AfxdpOpen, NamesAnotherProgramWithoutALink) {
  const RedirectProgram other{{}, OtherTraffic::kernel, 1};
  const int index = static_cast<int>(find_interface("near").index.value());
  ASSERT_EQ(::bpf_xdp_attach(index, other.fd(), XDP_FLAGS_SKB_MODE, nullptr), 0);
  const auto finding = finding_of([] { Opened{near(Mode::automatic), {}}; });
  EXPECT_EQ(finding.code, "XDP-OTHER-01");
  EXPECT_PRED2(contains, finding.why, "(generic)");
  EXPECT_PRED2(contains, finding.next, "ip link set dev near xdpgeneric off");
  test::run_command("ip link set dev near xdpgeneric off");
  EXPECT_NO_THROW((Opened{near(Mode::automatic), {}}));
}

TEST_F(AfxdpOpen, FiftyStartsLeaveNothingBehind) {
  { Opened warm_up{near(Mode::copy, {}), {}}; }
  const std::size_t before = open_descriptors();
  for (int i = 0; i < 50; ++i) {
    Opened opened{near(i % 2 == 0 ? Mode::copy : Mode::skb, {}), {}};
    opened.steer();
    Sender sender;
    sender.send(0, 10);
    ASSERT_EQ(receive_all(*opened.ports()[0], 10, [](const Frame&) {}), 10U);
  }
  EXPECT_EQ(open_descriptors(), before);
  EXPECT_EQ(attached_program(), 0U);
}

TEST_F(AfxdpOpen, AKilledProcessLeavesNoProgramAndNoSocket) {
  int ready[2];
  ASSERT_EQ(::pipe(ready), 0);
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    Opened opened{near(Mode::copy), {}};
    opened.steer();
    [[maybe_unused]] const auto written = ::write(ready[1], "r", 1);
    ::pause();
    ::_exit(0);
  }
  ::close(ready[1]);
  char byte = 0;
  ASSERT_EQ(::read(ready[0], &byte, 1), 1) << "the child could not open the interface";
  ::close(ready[0]);
  EXPECT_NE(attached_program(), 0U);
  ::kill(child, SIGKILL);
  ASSERT_EQ(::waitpid(child, nullptr, 0), child);
  EXPECT_TRUE(eventually([] { return attached_program() == 0; }));
  EXPECT_NO_THROW((Opened{near(Mode::copy), {}})) << "the queue must be free again";
}

}  // namespace
}  // namespace valinor::packet_io::afxdp
