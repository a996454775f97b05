/// Where packets stop fitting, and what the stack leaves undone: edges that xskxceiver does not ask
/// about.
#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <cstring>

#include "base/failure.hpp"
#include "packet_io/conformance/link.hpp"
#include "packet_io/conformance/traffic.hpp"
#include "wire/be.hpp"
#include "wire/checksum.hpp"
#include "wire/packet.hpp"

namespace valinor::packet_io::afxdp {
namespace {

class Edge : public ConformanceTest {
 protected:
  void set_mtus(std::uint32_t mtu) const {
    for (const auto& name : {near_, far_}) set_mtu(name, mtu);
  }
};
INSTANTIATE_TEST_SUITE_P(Modes, Edge, testing::ValuesIn(settings_to_test()), name_of);

/// The largest MTU whose packets fit a frame carries packets of that size; from one more on they
/// may be several frames.
TEST_P(Edge, TheLargestMtuOfOneFrameCarriesItsLargestPackets) {
  if (!is_veth()) GTEST_SKIP() << "leaves the MTU of given interfaces alone";
  constexpr std::uint32_t kMost = 4096 - kHeadroom - 22;
  set_mtus(kMost + 1);
  EXPECT_TRUE(open(near_).port().takes_several_buffers());
  set_mtus(kMost);
  End near = open(near_), far = open(far_);
  EXPECT_FALSE(near.port().takes_several_buffers());
  connect(near, far);
  transfer(far.side(), near.side(), {.bytes = [](std::uint32_t number) {
             return number % 2 == 0 ? kMost + 14 : kMost + 13;
           }});
  expect_conserved(near);
  expect_conserved(far);
}

TEST_P(Edge, AFrameOfTwoKibibytesTakes1792BytesAndTheNextByteIsCounted) {
  if (!is_veth()) GTEST_SKIP() << "leaves the MTU of given interfaces alone";
  auto config = config_of(near_);
  config.umem.frame_size = 2048;
  End near{config, GetParam()}, far = open(far_);
  connect(near, far);
  // Behind the back of the guard that refuses this MTU at the start.
  set_mtus(1800);
  EXPECT_EQ(near.port().room(), 1792U);
  transfer(far.side(), near.side(),
           {.bytes = [](std::uint32_t number) { return number % 2 == 0 ? 1792U : 1793U; },
            .arrives = [](std::uint32_t number) { return number % 2 == 0; }});
  EXPECT_EQ(near.port().kernel_statistics().rx_dropped, kPackets / 2);
  expect_conserved(near);
  expect_conserved(far);
}

constexpr std::uint16_t kUdpPort = 4711;

/// A UDP socket of the stack behind `interface`, whose packets for 10.99.0.2 leave by it.
UniqueFd stack_sender(const std::string& interface) {
  test::run_command(fmt::format("ip address add 10.99.0.1/24 dev {}", interface));
  test::run_command(fmt::format(
      "ip neighbour add 10.99.0.2 lladdr 02:00:00:00:00:02 dev {} nud permanent", interface));
  UniqueFd fd{::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(kUdpPort);
  ::inet_pton(AF_INET, "10.99.0.2", &to.sin_addr);
  if (::connect(fd.get(), reinterpret_cast<sockaddr*>(&to), sizeof to) != 0) {
    throw_errno("connect a UDP socket");
  }
  return fd;
}

/// A packet of the host at the other end of a veth pair has never been on a wire, and may lack what
/// a device would have filled in.
TEST_P(Edge, ChecksumsThatTheStackLeavesToTheDeviceAreUnfinishedOnVeth) {
  if (!is_veth()) GTEST_SKIP() << "real devices fill them in";
  wire::MatchRules rules;
  rules.udp_dst_ports = {kUdpPort};
  End near{config_of(near_), GetParam(), rules};
  near.opened().steer();
  const UniqueFd sender = stack_sender(far_);
  for (const bool unfinished : {true, false}) {
    leave_checksums_to_device(far_, unfinished);
    ASSERT_EQ(leaves_checksums_to_device(far_), unfinished);
    for (std::uint32_t number = 0; number < kPackets; ++number) {
      const std::array<std::uint32_t, 5> content = {number, 1, 2, 3, ~number};
      ASSERT_EQ(::send(sender.get(), content.data(), sizeof content, 0), sizeof content);
      Frame frame;
      ASSERT_TRUE(eventually([&] {
        near.side().turn();
        if (near.port().receive({&frame, 1}) == 1) return true;
        near.side().wait();
        return false;
      }));
      ASSERT_EQ(frame.bytes, 14 + 20 + 8 + sizeof content);
      const wire::Bytes packet = frame.span().subspan(14);
      ASSERT_EQ(std::memcmp(packet.data() + 28, content.data(), sizeof content), 0);
      const wire::Ip ip = wire::parse_ip(packet, 0x0800);
      const auto transport = wire::find_transport(packet, ip);
      ASSERT_TRUE(transport);
      const auto field = wire::load_be<2>(packet.data() + transport->checksum_offset);
      ASSERT_EQ(field, unfinished ? wire::pseudo_header_sum(packet, ip, *transport)
                                  : wire::transport_checksum(packet, ip, *transport))
          << "packet " << number;
      near.port().recycle({&frame, 1});
    }
  }
}

}  // namespace
}  // namespace valinor::packet_io::afxdp
