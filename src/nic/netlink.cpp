#include "nic/netlink.hpp"

#include <sys/socket.h>

#include <cerrno>
#include <memory>
#include <vector>

namespace valinor::nic {
namespace {

constexpr std::uint32_t kSequence = 1;  // each socket carries one question

struct Close {
  void operator()(mnl_socket* socket) const noexcept { mnl_socket_close(socket); }
};

}  // namespace

NetlinkMessage::NetlinkMessage(std::uint16_t type, std::uint16_t flags) noexcept {
  mnl_nlmsg_put_header(buffer_);
  head()->nlmsg_type = type;
  head()->nlmsg_flags = NLM_F_REQUEST | flags;
  head()->nlmsg_seq = kSequence;
}

NetlinkAttributes::NetlinkAttributes(const nlattr* nest) {
  if (nest != nullptr) mnl_attr_parse_nested(nest, keep, this);
}

NetlinkAttributes::NetlinkAttributes(const nlmsghdr& answer, std::size_t header_bytes) {
  mnl_attr_parse(&answer, static_cast<unsigned>(header_bytes), keep, this);
}

std::uint16_t NetlinkAttributes::number16(std::size_t type) const noexcept {
  return at(type) == nullptr ? std::uint16_t{0} : mnl_attr_get_u16(at(type));
}

std::uint32_t NetlinkAttributes::number32(std::size_t type) const noexcept {
  return at(type) == nullptr ? 0 : mnl_attr_get_u32(at(type));
}

std::string NetlinkAttributes::text(std::size_t type) const {
  return at(type) == nullptr ? std::string{} : mnl_attr_get_str(at(type));
}

std::optional<std::uint64_t> NetlinkAttributes::number(std::size_t type) const noexcept {
  const nlattr* attribute = at(type);
  if (attribute == nullptr) return std::nullopt;
  if (mnl_attr_get_payload_len(attribute) < sizeof(std::uint64_t)) return number32(type);
  return mnl_attr_get_u64(attribute);
}

int NetlinkAttributes::keep(const nlattr* attribute, void* to) {
  auto& of_type = static_cast<NetlinkAttributes*>(to)->of_type_;
  const std::size_t type = mnl_attr_get_type(attribute);
  if (type >= of_type.size()) of_type.resize(type + 1);
  of_type[type] = attribute;
  return MNL_CB_OK;
}

int ask_netlink(int bus, NetlinkMessage& message, const std::function<void(const nlmsghdr&)>& use) {
  const std::unique_ptr<mnl_socket, Close> socket{mnl_socket_open2(bus, SOCK_CLOEXEC)};
  if (!socket || mnl_socket_bind(socket.get(), 0, MNL_SOCKET_AUTOPID) < 0) return errno;
  message.head()->nlmsg_flags |= NLM_F_ACK;
  if (mnl_socket_sendto(socket.get(), message.head(), message.head()->nlmsg_len) < 0) return errno;
  const auto take = [](const nlmsghdr* answer, void* to) {
    (*static_cast<const std::function<void(const nlmsghdr&)>*>(to))(*answer);
    return static_cast<int>(MNL_CB_OK);
  };
  std::vector<char> buffer(32768);
  for (;;) {
    const auto bytes = mnl_socket_recvfrom(socket.get(), buffer.data(), buffer.size());
    if (bytes < 0) return errno;
    auto* const to = const_cast<std::function<void(const nlmsghdr&)>*>(&use);
    const int more = mnl_cb_run(buffer.data(), static_cast<std::size_t>(bytes), kSequence,
                                mnl_socket_get_portid(socket.get()), take, to);
    if (more < 0) return errno;
    if (more == MNL_CB_STOP) return 0;
  }
}

}  // namespace valinor::nic
