#include "nic/xdp_features.hpp"

#include <linux/genetlink.h>

#include "nic/netlink.hpp"

namespace valinor::nic {
namespace {

// linux/netdev.h
constexpr const char* kFamily = "netdev";
constexpr std::uint8_t kCommandDevGet = 1;
enum Attribute : std::uint16_t {
  kIfindex = 1,
  kXdpFeatures = 3,
  kXdpZcMaxSegments = 4,
  kXdpRxMetadata = 5,
  kXskFeatures = 6,
};

/// 0: the kernel has no such family.
std::uint16_t find_family() {
  NetlinkMessage question{GENL_ID_CTRL, 0};
  question.add<genlmsghdr>() = {.cmd = CTRL_CMD_GETFAMILY, .version = 1, .reserved = 0};
  mnl_attr_put_strz(question.head(), CTRL_ATTR_FAMILY_NAME, kFamily);
  std::uint16_t id = 0;
  const int error = ask_netlink(NETLINK_GENERIC, question, [&](const nlmsghdr& answer) {
    id = NetlinkAttributes{answer, sizeof(genlmsghdr)}.number16(CTRL_ATTR_FAMILY_ID);
  });
  return error == 0 ? id : 0;
}

XdpFeatures read(const nlmsghdr& answer) {
  const NetlinkAttributes told{answer, sizeof(genlmsghdr)};
  return {.acts = told.number(kXdpFeatures).value_or(0),
          .rx_metadata = told.number(kXdpRxMetadata),
          .xsk = told.number(kXskFeatures),
          .zc_max_segments = told.number32(kXdpZcMaxSegments)};
}

}  // namespace

std::optional<XdpFeatures> xdp_features(const Device& device) {
  const std::uint16_t family = find_family();
  if (family == 0) return std::nullopt;
  NetlinkMessage question{family, 0};
  question.add<genlmsghdr>() = {.cmd = kCommandDevGet, .version = 1, .reserved = 0};
  mnl_attr_put_u32(question.head(), kIfindex, device.index().value());
  XdpFeatures features;
  const int error = ask_netlink(NETLINK_GENERIC, question,
                                [&](const nlmsghdr& answer) { features = read(answer); });
  if (error != 0) return std::nullopt;
  return features;
}

}  // namespace valinor::nic
