#include "nic/link.hpp"

#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <net/if.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "base/failure.hpp"
#include "nic/netlink.hpp"

namespace valinor::nic {
namespace {

void read_xdp(const nlattr* nest, Link& link) {
  const NetlinkAttributes xdp{nest};
  const nlattr* attached = xdp.at(IFLA_XDP_ATTACHED);
  if (attached == nullptr) return;
  // One program alone has its mode in ATTACHED; several have an attribute each.
  const std::uint32_t only = xdp.number32(IFLA_XDP_PROG_ID);
  switch (mnl_attr_get_u8(attached)) {
    case XDP_ATTACHED_DRV: link.xdp_native = only; break;
    case XDP_ATTACHED_SKB: link.xdp_generic = only; break;
    case XDP_ATTACHED_HW: link.xdp_offloaded = only; break;
    case XDP_ATTACHED_MULTI:
      link.xdp_native = xdp.number32(IFLA_XDP_DRV_PROG_ID);
      link.xdp_generic = xdp.number32(IFLA_XDP_SKB_PROG_ID);
      link.xdp_offloaded = xdp.number32(IFLA_XDP_HW_PROG_ID);
      break;
    default: break;
  }
}

void read_statistics(const nlattr* statistics, Link& link) {
  if (statistics == nullptr) return;
  rtnl_link_stats64 counts{};  // a newer kernel has more of them, an older one fewer
  std::memcpy(&counts, mnl_attr_get_payload(statistics),
              std::min<std::size_t>(mnl_attr_get_payload_len(statistics), sizeof counts));
  link.sent_packets = counts.tx_packets;
}

/// Empty for 0, and where there is none.
std::string name_of(std::uint32_t index) {
  char name[IF_NAMESIZE] = {};
  return index != 0 && ::if_indextoname(index, name) != nullptr ? name : std::string{};
}

Link to_link(const nlmsghdr& message) {
  const auto& head = *static_cast<const ifinfomsg*>(mnl_nlmsg_get_payload(&message));
  const NetlinkAttributes all{message, sizeof head};
  const NetlinkAttributes info{all.at(IFLA_LINKINFO)};
  Link link{.mtu = all.number32(IFLA_MTU),
            .up = (head.ifi_flags & IFF_UP) != 0,
            .carrier = (head.ifi_flags & IFF_RUNNING) != 0,
            .kind = info.text(IFLA_INFO_KIND),
            .hardware = all.text(IFLA_PARENT_DEV_NAME),
            .tied_to = {},
            .master = name_of(all.number32(IFLA_MASTER)),
            .master_kind = info.text(IFLA_INFO_SLAVE_KIND),
            .rx_queues = all.number32(IFLA_NUM_RX_QUEUES),
            .tx_queues = all.number32(IFLA_NUM_TX_QUEUES)};
  // Of another namespace the index is one there.
  if (all.at(IFLA_LINK_NETNSID) == nullptr) link.tied_to = name_of(all.number32(IFLA_LINK));
  read_xdp(all.at(IFLA_XDP), link);
  read_statistics(all.at(IFLA_STATS64), link);
  return link;
}

}  // namespace

Link link_of(const Device& device) {
  NetlinkMessage question{RTM_GETLINK, 0};
  auto& head = question.add<ifinfomsg>();
  head.ifi_family = AF_UNSPEC;
  head.ifi_index = static_cast<int>(device.index().value());
  Link link;
  const int error =
      ask_netlink(NETLINK_ROUTE, question, [&](const nlmsghdr& answer) { link = to_link(answer); });
  if (error != 0) {
    errno = error;
    throw_errno("ask about the interface " + device.name());
  }
  return link;
}

}  // namespace valinor::nic
