#include "packet_io/afxdp/redirect_program.hpp"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <fmt/format.h>
#include <linux/btf.h>
#include <linux/capability.h>
#include <linux/if_link.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <string>

#include "base/bpf.hpp"
#include "base/failure.hpp"
#include "packet_io/afxdp/foreign_program.hpp"
#include "redirect.skel.h"
#include "wire/packet.hpp"

namespace valinor::packet_io::afxdp {
namespace {

// The kernel's words and ours are the same words.
static_assert(VALINOR_BY_ETHERTYPE == static_cast<int>(wire::Decision::by_ethertype));
static_assert(VALINOR_BY_IP_PROTOCOL == static_cast<int>(wire::Decision::by_ip_protocol));
static_assert(VALINOR_BY_DSCP == static_cast<int>(wire::Decision::by_dscp));
static_assert(VALINOR_BY_UDP_PORT == static_cast<int>(wire::Decision::by_udp_port));
static_assert(VALINOR_NOT_TELEMETRY == static_cast<int>(wire::Decision::not_telemetry));
static_assert(VALINOR_TRUNCATED == static_cast<int>(wire::Decision::truncated));
static_assert(VALINOR_NO_SOCKET == static_cast<int>(wire::Decision::count_));
static_assert(VALINOR_OTHER_PASS == static_cast<int>(OtherTraffic::kernel));
static_assert(VALINOR_OTHER_FORWARD == static_cast<int>(OtherTraffic::forward));
static_assert(VALINOR_OTHER_DROP == static_cast<int>(OtherTraffic::drop));
static_assert(VALINOR_MAX_ETHERTYPES == wire::kMaxMatchEthertypes);
static_assert(VALINOR_MAX_UDP_PORTS == wire::kMaxMatchUdpPorts);
static_assert(VALINOR_MAX_VLAN_TAGS == wire::kMaxVlanTags);
static_assert(VALINOR_MAX_IPV6_EXTENSIONS == wire::kMaxIpv6Extensions);

valinor_steer_rules to_table(const wire::MatchRules& rules, OtherTraffic other) {
  if (rules.ethertypes.size() > VALINOR_MAX_ETHERTYPES ||
      rules.udp_dst_ports.size() > VALINOR_MAX_UDP_PORTS) {
    throw std::invalid_argument{"more match rules than the XDP program's table holds"};
  }
  valinor_steer_rules table{};
  table.ethertype_count = static_cast<std::uint32_t>(rules.ethertypes.size());
  std::copy(rules.ethertypes.begin(), rules.ethertypes.end(), table.ethertypes);
  table.udp_port_count = static_cast<std::uint32_t>(rules.udp_dst_ports.size());
  std::copy(rules.udp_dst_ports.begin(), rules.udp_dst_ports.end(), table.udp_ports);
  for (const std::uint8_t protocol : rules.ip_protocols) table.ip_protocols[protocol] = 1;
  if (rules.dscp) {
    table.dscp_enabled = 1;
    table.dscp_value = rules.dscp->value;
    table.dscp_mask = rules.dscp->mask;
  }
  table.other = static_cast<std::uint8_t>(other);
  return table;
}

/// linux/bpf.h of Debian 12 lacks it (Linux 6.3): BPF_F_XDP_DEV_BOUND_ONLY.
constexpr std::uint32_t kDeviceBoundOnly = 1U << 6;

/// The wishes for which this kernel has a function; without its BTF, none that need the driver.
RxMetadataWishes that_kernel_knows(RxMetadataWishes wishes) {
  struct Free {
    void operator()(btf* types) const noexcept { ::btf__free(types); }
  };
  const std::unique_ptr<btf, Free> types{::btf__load_vmlinux_btf()};
  const auto knows = [&](const char* function) {
    return ::libbpf_get_error(types.get()) == 0 &&
           ::btf__find_by_name_kind(types.get(), function, BTF_KIND_FUNC) >= 0;
  };
  wishes.hardware_time = wishes.hardware_time && knows("bpf_xdp_metadata_rx_timestamp");
  wishes.hash = wishes.hash && knows("bpf_xdp_metadata_rx_hash");
  wishes.vlan_tag = wishes.vlan_tag && knows("bpf_xdp_metadata_rx_vlan_tag");
  return wishes;
}

/// What can be told of frames of any interface.
RxMetadataWishes anywhere(const RxMetadataWishes& wishes) {
  return {.driver_time = wishes.driver_time};
}

[[noreturn]] void refuse_load(int error) {
  // The verifier lets packet pointers move by a number from the packet, such as the length of an
  // IPv4 header, only with CAP_PERFMON; it calls that EACCES, like all it rejects.
  const bool may_do_arithmetic =
      bpf::has_capability(CAP_PERFMON) || bpf::has_capability(CAP_SYS_ADMIN);
  if (error == EPERM || (error == EACCES && !may_do_arithmetic)) {
    throw Failure{ExitStatus::not_permitted,
                  {.code = "CAP-BPF-01",
                   .what = "cannot load the XDP program",
                   .why = error == EPERM ? bpf::describe_load_refusal()
                                         : "kernel said EACCES: CAP_PERFMON is missing",
                   .next = kRunPrivileged}};
  }
  throw Failure{ExitStatus::host_not_ready,
                {.code = kLoadRefused,
                 .what = "cannot load the XDP program",
                 .why = "kernel said " + describe_errno(error),
                 .next = "-v    prints what the kernel's verifier said"}};
}

[[noreturn]] void refuse_attach(const Interface& interface, AttachMode mode, int error) {
  const bool native = mode == AttachMode::native;
  if (error == EPERM) {
    throw Failure{ExitStatus::not_permitted,
                  {.code = "CAP-ADMIN-01",
                   .what = interface.name + ": cannot attach the XDP program",
                   .why = "kernel said EPERM: CAP_NET_ADMIN is missing",
                   .next = kRunPrivileged}};
  }
  std::string why = fmt::format("driver {} answered {} to the attachment of a {} program",
                                interface.driver.empty() ? "(unnamed)" : interface.driver,
                                describe_errno(error), native ? "native" : "generic");
  std::string next = native ? "interfaces[].mode: skb    works with any NIC, slower"
                            : "dmesg | tail    may hold the reason";
  if (error == EOPNOTSUPP) {
    why += ": it has no native XDP";
  } else if (native && (error == ERANGE || error == EINVAL || error == E2BIG)) {
    // veth takes at most what fits one page on both ends; NICs have limits of the same kind.
    why += fmt::format("; MTU is {}, often too large (veth: 3498 and less on both ends)",
                       interface.mtu);
    next = fmt::format("ip link set {} mtu 1500    (veth: its peer as well)    or:  {}",
                       interface.name, next);
  } else if (native && (error == ENOMEM || error == ENOSPC)) {
    why += "; some drivers need one more queue for each CPU";
    next = fmt::format("ethtool -L {} combined 1    or:  {}", interface.name, next);
  }
  throw Failure{ExitStatus::host_not_ready,
                {.code = kAttachRefused,
                 .what = fmt::format("{}: {} XDP program refused", interface.name,
                                     native ? "native" : "generic"),
                 .why = why,
                 .next = next}};
}

}  // namespace

void RedirectProgram::Unload::operator()(redirect_bpf* skeleton) const noexcept {
  redirect_bpf::destroy(skeleton);
}

RedirectProgram::RedirectProgram(const wire::MatchRules& rules, OtherTraffic other,
                                 std::uint32_t queues, const RxMetadataWishes& wishes,
                                 InterfaceIndex device, bool takes_fragments)
    : tells_{wishes.need_driver() ? that_kernel_knows(wishes) : wishes}, device_{device} {
  bpf::log_libbpf_as_debug();

  skeleton_.reset(redirect_bpf::open());
  if (!skeleton_) refuse_load(errno);
  skeleton_->rodata->rules = to_table(rules, other);
  skeleton_->rodata->wishes = {.hardware_time = tells_.hardware_time,
                               .driver_time = tells_.driver_time,
                               .hash = tells_.hash,
                               .vlan_tag = tells_.vlan_tag};
  ::bpf_program* const wanted = program_that_tells(tells_);
  for (::bpf_program* one :
       {skeleton_->progs.valinor_redirect, skeleton_->progs.valinor_redirect_stamped,
        skeleton_->progs.valinor_redirect_metadata}) {
    ::bpf_program__set_autoload(one, one == wanted || one == program_that_tells(anywhere(tells_)));
  }
  const std::uint32_t fragments = takes_fragments ? BPF_F_XDP_HAS_FRAGS : 0;
  ::bpf_program__set_flags(program_that_tells(anywhere(tells_)), fragments);
  if (tells_.need_driver()) {
    ::bpf_program__set_ifindex(wanted, device.value());
    ::bpf_program__set_flags(wanted, kDeviceBoundOnly | fragments);
  }
  ::bpf_map__set_max_entries(skeleton_->maps.sockets, std::max(queues, 1U));
  const int error = redirect_bpf::load(skeleton_.get());
  if (error != 0) refuse_load(-error);
}

RedirectProgram::~RedirectProgram() { detach(); }

void RedirectProgram::attach(const Interface& interface, AttachMode mode) {
  refuse_foreign_program(interface);
  if (tells_.need_driver() && interface.index != device_) tells_ = anywhere(tells_);
  bpf_link_create_opts options{};
  options.sz = sizeof options;
  options.flags = mode == AttachMode::native ? XDP_FLAGS_DRV_MODE : XDP_FLAGS_SKB_MODE;
  const int link =
      ::bpf_link_create(fd(), static_cast<int>(interface.index.value()), BPF_XDP, &options);
  if (link >= 0) {
    link_ = UniqueFd{link};
    return;
  }
  // Someone may have come between our look and our attempt: EBUSY where a program is there in
  // this mode, EEXIST where there is one in the other.
  if (link == -EBUSY || link == -EEXIST) refuse_foreign_program(interface);
  refuse_attach(interface, mode, -link);
}

void RedirectProgram::steer(QueueId queue, int xsk_fd) {
  const std::uint32_t slot = queue.value();
  const int error =
      ::bpf_map_update_elem(::bpf_map__fd(skeleton_->maps.sockets), &slot, &xsk_fd, BPF_ANY);
  if (error != 0) {
    errno = -error;
    throw_errno(fmt::format("steer packets of queue {} to their AF_XDP socket", slot));
  }
  steered_.push_back(queue);
}

void RedirectProgram::unsteer() noexcept {
  for (const QueueId queue : steered_) {
    const std::uint32_t slot = queue.value();
    // Missing is as good as removed: the kernel takes out closed sockets by itself.
    ::bpf_map_delete_elem(::bpf_map__fd(skeleton_->maps.sockets), &slot);
  }
  if (!steered_.empty()) bpf::wait_for_running_programs();
  steered_.clear();
}

void RedirectProgram::detach() noexcept {
  unsteer();
  if (!link_) return;
  // Closing alone may leave the work to a kernel thread, and a restart would find the program.
  ::bpf_link_detach(link_.get());
  link_.reset();
}

bool RedirectProgram::is_attached() const noexcept {
  bpf_link_info info{};
  std::uint32_t bytes = sizeof info;
  return link_ && ::bpf_obj_get_info_by_fd(link_.get(), &info, &bytes) == 0 &&
         info.xdp.ifindex != 0;
}

Decisions RedirectProgram::decisions() const {
  const int map = ::bpf_map__fd(skeleton_->maps.decisions);
  std::vector<std::uint64_t> of_cpus(static_cast<std::size_t>(::libbpf_num_possible_cpus()));
  Decisions sums;
  for (std::uint32_t decision = 0; decision < VALINOR_DECISIONS; ++decision) {
    if (::bpf_map_lookup_elem(map, &decision, of_cpus.data()) != 0) {
      throw_errno("read the XDP program's counters");
    }
    sums.frames[decision] = std::accumulate(of_cpus.begin(), of_cpus.end(), std::uint64_t{0});
  }
  return sums;
}

const std::uint32_t* RedirectProgram::headerless() const noexcept {
  return tells_.any() ? &skeleton_->bss->headerless : nullptr;
}

int RedirectProgram::fd() const noexcept { return ::bpf_program__fd(program_that_tells(tells_)); }

::bpf_program* RedirectProgram::program_that_tells(const RxMetadataWishes& wishes) const noexcept {
  if (wishes.need_driver()) return skeleton_->progs.valinor_redirect_metadata;
  if (wishes.driver_time) return skeleton_->progs.valinor_redirect_stamped;
  return skeleton_->progs.valinor_redirect;
}

}  // namespace valinor::packet_io::afxdp
