#include "support/netns.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <sys/socket.h>

#include <cstdlib>
#include <fstream>
#include <stdexcept>

#include "base/failure.hpp"

namespace valinor::test {
namespace {

void switch_off_ipv6() {
  // /proc/sys shows the namespace of whoever opens it.
  for (const char* which : {"all", "default"}) {
    std::ofstream{fmt::format("/proc/sys/net/ipv6/conf/{}/disable_ipv6", which)} << "1\n";
  }
}

}  // namespace

NetworkNamespace::NetworkNamespace()
    : outside_{::open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC)} {
  if (!outside_ || ::unshare(CLONE_NEWNET) != 0) throw_errno("make a network namespace");
  switch_off_ipv6();
}

NetworkNamespace::~NetworkNamespace() {
  // Staying inside would let the next test see this one's interfaces.
  if (::setns(outside_.get(), CLONE_NEWNET) != 0) std::abort();
}

VethPair::VethPair(const std::string& left, const std::string& right, unsigned queues,
                   unsigned mtu) {
  const std::string size = fmt::format("mtu {} numrxqueues {} numtxqueues {}", mtu, queues, queues);
  run_command(fmt::format("ip link add {} {} type veth peer name {} {}", left, size, right, size));
  for (const auto& name : {left, right}) run_command(fmt::format("ip link set {} up", name));
}

void run_command(const std::string& command) {
  if (std::system(command.c_str()) != 0) throw std::runtime_error{"failed: " + command};
}

PacketSocket::PacketSocket(const std::string& interface)
    : fd_{::socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, htons(ETH_P_ALL))} {
  if (!fd_) throw_errno("open a packet socket");
  sockaddr_ll address{};
  address.sll_family = AF_PACKET;
  address.sll_protocol = htons(ETH_P_ALL);
  address.sll_ifindex = static_cast<int>(::if_nametoindex(interface.c_str()));
  if (::bind(fd_.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
    throw_errno("bind a packet socket to " + interface);
  }
}

void PacketSocket::send(std::span<const std::byte> frame) {
  if (::send(fd_.get(), frame.data(), frame.size(), 0) < 0) throw_errno("send a frame");
}

std::vector<std::byte> PacketSocket::receive(std::chrono::milliseconds patience) {
  std::vector<std::byte> frame(65536);
  for (;;) {
    pollfd source{fd_.get(), POLLIN, 0};
    if (::poll(&source, 1, static_cast<int>(patience.count())) <= 0) return {};
    sockaddr_ll from{};
    socklen_t bytes = sizeof from;
    const auto size = ::recvfrom(fd_.get(), frame.data(), frame.size(), MSG_DONTWAIT,
                                 reinterpret_cast<sockaddr*>(&from), &bytes);
    if (size <= 0 || from.sll_pkttype == PACKET_OUTGOING) continue;
    frame.resize(static_cast<std::size_t>(size));
    return frame;
  }
}

}  // namespace valinor::test
