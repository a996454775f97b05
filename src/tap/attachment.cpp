#include "tap/attachment.hpp"

#include <fmt/format.h>
#include <linux/bpf.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include <cerrno>
#include <cstring>

#include "base/failure.hpp"
#include "base/interface_name.hpp"

namespace valinor::tap {
namespace {

// Of Linux 6.6; Debian 12's headers and libbpf are of 6.1.
constexpr std::uint32_t kTcxEgress = 47;    // BPF_TCX_EGRESS
constexpr std::uint32_t kBefore = 1U << 3;  // BPF_F_BEFORE; without a neighbour: before all

/// The descriptor of the link, or minus errno.
int create_tcx_link(InterfaceIndex interface, int program) {
  bpf_attr attributes;
  std::memset(&attributes, 0, sizeof attributes);
  attributes.link_create.prog_fd = static_cast<std::uint32_t>(program);
  attributes.link_create.target_ifindex = interface.value();
  attributes.link_create.attach_type = kTcxEgress;
  attributes.link_create.flags = kBefore;
  const auto link = ::syscall(SYS_bpf, BPF_LINK_CREATE, &attributes, sizeof attributes);
  return link >= 0 ? static_cast<int>(link) : -errno;
}

}  // namespace

TappedInterface find_tapped_interface(const std::string& name) {
  const InterfaceIndex index = find_interface_index(name);
  const UniqueFd socket{::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
  ifreq request{};
  name.copy(request.ifr_name, sizeof request.ifr_name - 1);
  if (!socket || ::ioctl(socket.get(), SIOCGIFHWADDR, &request) != 0) {
    throw_errno("read the link type of " + name);
  }
  const auto type = request.ifr_hwaddr.sa_family;
  return {name, index, type == ARPHRD_ETHER || type == ARPHRD_LOOPBACK};
}

Attachment::Attachment(const TappedInterface& interface, int program, AttachBy how) {
  if (how != AttachBy::clsact) {
    const int link = create_tcx_link(interface.index, program);
    if (link >= 0) {
      link_ = UniqueFd{link};
      return;
    }
    // What a kernel says that does not know the attach type.
    const bool is_unknown = link == -EINVAL || link == -EOPNOTSUPP;
    if (how == AttachBy::tcx || !is_unknown) refuse_attachment(interface.name, "tcx", -link);
  }
  filter_ = std::make_unique<ClsactFilter>(interface.name, interface.index, program);
}

void refuse_attachment(const std::string& interface, const char* kind, int error) {
  if (error == EPERM) {
    throw Failure{ExitStatus::not_permitted,
                  {.code = "CAP-ADMIN-01",
                   .what = interface + ": cannot attach the tap",
                   .why = "kernel said EPERM: CAP_NET_ADMIN is missing",
                   .next = "run as root, or with CAP_BPF and CAP_NET_ADMIN"}};
  }
  throw Failure{ExitStatus::host_not_ready,
                {.code = "TAP-ATTACH-01",
                 .what = interface + ": tap refused",
                 .why = fmt::format("kernel said {} to a {} program on the way out",
                                    describe_errno(error), kind),
                 .next = fmt::format("tc qdisc show dev {0}    an 'ingress' qdisc is in the way of "
                                     "clsact:  tc qdisc del dev {0} ingress",
                                     interface)}};
}

}  // namespace valinor::tap
