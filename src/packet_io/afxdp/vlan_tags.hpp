/// VLAN tags that come beside a frame instead of in it. The NIC takes them out; a veth never puts
/// them in. The host's stack gets them all the same, an XDP program and so a worker does not: it
/// would send on a frame that lacks its tag. Set-up only.
///
///   Linux 6.8, native XDP, a driver that knows: the program asks for the tag of each frame, and
///   the port puts it back (RxMetadataWishes::vlan_tag) else: the offload must be switched off,
///   which only the administrator can decide
#pragma once

#include <optional>

#include "base/failure.hpp"
#include "nic/device.hpp"

namespace valinor::packet_io::afxdp {

/// What keeps the tags of frames received here out of them, and the command that ends it
/// (IF-VLAN-01); nothing where nothing does. Of a veth that is up to its other end, which is not
/// seen where it is in another network namespace: then there is no finding either.
[[nodiscard]] std::optional<Finding> find_lost_vlan_tags(const nic::Device& device);

/// Whether the program should ask for tags: some may come beside their frames, and the driver can
/// tell.
[[nodiscard]] bool should_ask_for_vlan_tags(const nic::Device& device);

}  // namespace valinor::packet_io::afxdp
