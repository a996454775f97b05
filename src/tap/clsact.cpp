#include "tap/clsact.hpp"

#include <bpf/libbpf.h>
#include <fmt/format.h>
#include <linux/pkt_cls.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cerrno>
#include <cstddef>
#include <cstring>
#include <string_view>
#include <vector>

#include "base/failure.hpp"
#include "tap/attachment.hpp"

namespace valinor::tap {
namespace {

/// tc shows a filter as its program's name, and the program's number in brackets behind it.
constexpr std::string_view kOurFilters = "valinor_tap";

struct Filter {
  std::uint32_t handle;
  std::uint32_t priority;
  std::string name;  // of the BPF program; empty: of another kind
};

bpf_tc_hook make_hook(int interface, bpf_tc_attach_point where) {
  bpf_tc_hook hook{};
  hook.sz = sizeof hook;
  hook.ifindex = interface;
  hook.attach_point = where;
  return hook;
}

/// The attributes of a list, one after another.
template <class Use>
void for_each_attribute(const rtattr* first, std::size_t bytes, Use use) {
  auto left = static_cast<int>(bytes);
  for (const rtattr* one = first; RTA_OK(one, left); one = RTA_NEXT(one, left)) use(*one);
}

Filter to_filter(const nlmsghdr& message) {
  const auto* head = static_cast<const tcmsg*>(NLMSG_DATA(&message));
  Filter filter{head->tcm_handle, head->tcm_info >> 16, {}};
  const auto* first = reinterpret_cast<const rtattr*>(reinterpret_cast<const char*>(head) +
                                                      NLMSG_ALIGN(sizeof *head));
  for_each_attribute(first, message.nlmsg_len - NLMSG_LENGTH(sizeof *head), [&](const rtattr& one) {
    if (one.rta_type != TCA_OPTIONS) return;
    for_each_attribute(static_cast<const rtattr*>(RTA_DATA(&one)), RTA_PAYLOAD(&one),
                       [&](const rtattr& option) {
                         if (option.rta_type != TCA_BPF_NAME) return;
                         const auto* text = static_cast<const char*>(RTA_DATA(&option));
                         filter.name.assign(text, ::strnlen(text, RTA_PAYLOAD(&option)));
                       });
  });
  return filter;
}

/// Filters of one direction of a clsact qdisc; none where there is no such qdisc. libbpf cannot
/// tell: it finds a filter by its number only.
std::vector<Filter> list_filters(int interface, std::uint32_t direction) {
  const UniqueFd socket{::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE)};
  if (!socket) throw_errno("ask for the filters of an interface");
  struct {
    nlmsghdr head;
    tcmsg body;
  } request{};
  request.head.nlmsg_len = sizeof request;
  request.head.nlmsg_type = RTM_GETTFILTER;
  request.head.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
  request.body.tcm_ifindex = interface;
  request.body.tcm_parent = TC_H_MAKE(TC_H_CLSACT, direction);
  if (::send(socket.get(), &request, sizeof request, 0) < 0) {
    throw_errno("ask for the filters of an interface");
  }
  std::vector<Filter> filters;
  alignas(nlmsghdr) char buffer[32768];
  for (;;) {
    const auto got = ::recv(socket.get(), buffer, sizeof buffer, 0);
    if (got <= 0) throw_errno("read the filters of an interface");
    auto left = static_cast<unsigned>(got);
    for (const auto* one = reinterpret_cast<const nlmsghdr*>(buffer); NLMSG_OK(one, left);
         one = NLMSG_NEXT(one, left)) {
      if (one->nlmsg_type == NLMSG_DONE || one->nlmsg_type == NLMSG_ERROR) return filters;
      // A chain without filters has the handle 0.
      const Filter filter = to_filter(*one);
      if (one->nlmsg_type == RTM_NEWTFILTER && filter.handle != 0) filters.push_back(filter);
    }
  }
}

void remove_filter(int interface, std::uint32_t handle, std::uint32_t priority) {
  const bpf_tc_hook hook = make_hook(interface, BPF_TC_EGRESS);
  bpf_tc_opts options{};
  options.sz = sizeof options;
  options.handle = handle;
  options.priority = priority;
  ::bpf_tc_detach(&hook, &options);
}

/// A name that the kernel gives to one process at a time in each network namespace, and takes back
/// when it dies.
UniqueFd claim(const std::string& name, int interface) {
  UniqueFd owner{::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string text = fmt::format("valinor-tap-{}", interface);
  text.copy(address.sun_path + 1, sizeof address.sun_path - 1);
  const auto bytes = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + text.size());
  if (owner && ::bind(owner.get(), reinterpret_cast<sockaddr*>(&address), bytes) == 0) return owner;
  if (errno != EADDRINUSE) throw_errno("claim the tap of " + name);
  throw Failure{ExitStatus::host_not_ready,
                {.code = "TAP-BUSY-01",
                 .what = name + ": another valinor-afxdp taps this interface",
                 .why = "kernels before 6.6 can hold one tap for each interface",
                 .next = "pgrep -a valinor-afxdp"}};
}

}  // namespace

ClsactFilter::ClsactFilter(const std::string& name, InterfaceIndex interface, int program)
    : interface_{static_cast<int>(interface.value())}, owner_{claim(name, interface_)} {
  make_qdisc(name);
  for (const Filter& filter : list_filters(interface_, TC_H_MIN_EGRESS)) {
    if (filter.name.starts_with(kOurFilters)) {
      remove_filter(interface_, filter.handle, filter.priority);
    }
  }
  const bpf_tc_hook hook = make_hook(interface_, BPF_TC_EGRESS);
  bpf_tc_opts options{};
  options.sz = sizeof options;
  options.prog_fd = program;
  // Priority 0: the kernel chooses one that comes before all others.
  const int error = ::bpf_tc_attach(&hook, &options);
  if (error != 0) {
    remove_qdisc();
    refuse_attachment(name, "clsact", -error);
  }
  handle_ = options.handle;
  priority_ = options.priority;
}

ClsactFilter::~ClsactFilter() {
  remove_filter(interface_, handle_, priority_);
  remove_qdisc();
}

void ClsactFilter::remove_qdisc() const noexcept {
  if (!made_qdisc_) return;
  try {
    if (!list_filters(interface_, TC_H_MIN_EGRESS).empty() ||
        !list_filters(interface_, TC_H_MIN_INGRESS).empty()) {
      return;
    }
  } catch (const std::exception&) {
    return;  // an empty qdisc that stays does no harm
  }
  const auto both = static_cast<bpf_tc_attach_point>(BPF_TC_INGRESS | BPF_TC_EGRESS);
  bpf_tc_hook hook = make_hook(interface_, both);
  ::bpf_tc_hook_destroy(&hook);
}

void ClsactFilter::make_qdisc(const std::string& name) {
  bpf_tc_hook hook = make_hook(interface_, BPF_TC_EGRESS);
  const int error = ::bpf_tc_hook_create(&hook);
  made_qdisc_ = error == 0;
  if (error != 0 && error != -EEXIST) refuse_attachment(name, "clsact", -error);
}

}  // namespace valinor::tap
