#include "packet_io/afxdp/offload_program.hpp"

#include <bpf/bpf.h>
#include <fmt/format.h>
#include <linux/if_link.h>

#include <cerrno>

#include "base/bpf.hpp"
#include "base/failure.hpp"
#include "packet_io/afxdp/offload_filter.hpp"

namespace valinor::packet_io::afxdp {
namespace {

[[noreturn]] void refuse(const Interface& interface, std::string_view step, int error) {
  if (error == EPERM) {
    throw Failure{ExitStatus::not_permitted,
                  {.code = "CAP-ADMIN-01",
                   .what = interface.name + ": cannot put the filter on the NIC",
                   .why = "kernel said EPERM: CAP_NET_ADMIN is missing",
                   .next = kRunPrivileged}};
  }
  std::string why = fmt::format("driver {} answered {} when asked to {}",
                                interface.driver.empty() ? "(unnamed)" : interface.driver,
                                describe_errno(error), step);
  if (error == EOPNOTSUPP || error == EINVAL) why += ": the NIC runs no XDP programs itself";
  throw Failure{ExitStatus::host_not_ready,
                {.code = "XDP-OFFLOAD-01",
                 .what = interface.name + ": no filter on the NIC itself",
                 .why = why,
                 .next = "interfaces[].mode: auto    filters and steers in the driver"}};
}

}  // namespace

OffloadProgram::OffloadProgram(const Interface& interface, const wire::MatchRules& rules,
                               std::uint32_t sample) {
  bpf::log_libbpf_as_debug();
  const auto code = make_offload_filter(rules, sample);
  const auto index = static_cast<int>(interface.index.value());
  bpf_prog_load_opts load{};
  load.sz = sizeof load;
  load.prog_ifindex = interface.index.value();
  const int program = ::bpf_prog_load(BPF_PROG_TYPE_XDP, "valinor_filter", "Dual MIT/GPL",
                                      code.data(), code.size(), &load);
  if (program < 0) refuse(interface, "translate the filter", -program);
  program_ = UniqueFd{program};

  bpf_link_create_opts attach{};
  attach.sz = sizeof attach;
  attach.flags = XDP_FLAGS_HW_MODE;
  const int link = ::bpf_link_create(program, index, BPF_XDP, &attach);
  if (link < 0) refuse(interface, "run the filter", -link);
  link_ = UniqueFd{link};
}

OffloadProgram::~OffloadProgram() {
  // Closing alone may leave the work to a kernel thread, and a restart would find the filter.
  ::bpf_link_detach(link_.get());
}

}  // namespace valinor::packet_io::afxdp
