/// One question to the kernel by netlink (libmnl), in the calling thread's network namespace.
#pragma once

#include <libmnl/libmnl.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace valinor::nic {

/// A message under construction; kept small enough that it always fits.
class NetlinkMessage {
 public:
  NetlinkMessage(std::uint16_t type, std::uint16_t flags) noexcept;
  NetlinkMessage(const NetlinkMessage&) = delete;
  NetlinkMessage& operator=(const NetlinkMessage&) = delete;

  /// For the mnl_attr_put... functions, once the protocol's own header is there.
  [[nodiscard]] nlmsghdr* head() noexcept { return reinterpret_cast<nlmsghdr*>(buffer_); }

  /// Room for the protocol's own header.
  template <class Header>
  Header& add() noexcept {
    return *static_cast<Header*>(mnl_nlmsg_put_extra_header(head(), sizeof(Header)));
  }

 private:
  alignas(nlmsghdr) std::byte buffer_[1024]{};
};

/// The attributes of one level of an answer, by their type; those that are not there read as 0 and
/// as empty. Points into the answer.
class NetlinkAttributes {
 public:
  explicit NetlinkAttributes(const nlattr* nest);  // nullptr: none
  NetlinkAttributes(const nlmsghdr& answer, std::size_t header_bytes);

  [[nodiscard]] const nlattr* at(std::size_t type) const noexcept {
    return type < of_type_.size() ? of_type_[type] : nullptr;
  }
  [[nodiscard]] std::uint16_t number16(std::size_t type) const noexcept;
  [[nodiscard]] std::uint32_t number32(std::size_t type) const noexcept;
  [[nodiscard]] std::string text(std::size_t type) const;

  /// Nothing where it is not there: how older kernels say that they do not know it.
  [[nodiscard]] std::optional<std::uint64_t> number(std::size_t type) const noexcept;

 private:
  static int keep(const nlattr* attribute, void* to);
  std::vector<const nlattr*> of_type_;
};

/// Sends it to `bus` (NETLINK_ROUTE, NETLINK_GENERIC) and gives every answer to `use`. 0, or the
/// errno that the kernel answered.
[[nodiscard]] int ask_netlink(int bus, NetlinkMessage& message,
                              const std::function<void(const nlmsghdr&)>& use);

}  // namespace valinor::nic
