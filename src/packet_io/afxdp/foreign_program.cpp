#include "packet_io/afxdp/foreign_program.hpp"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <fmt/format.h>
#include <linux/bpf.h>
#include <linux/if_link.h>

#include <cerrno>
#include <optional>
#include <string>

#include "base/failure.hpp"
#include "base/unique_fd.hpp"

namespace valinor::packet_io::afxdp {
namespace {

struct ForeignProgram {
  std::uint32_t id;
  const char* mode;    // in our words
  const char* detach;  // what `ip link set dev X ... off` wants to hear
};

std::optional<ForeignProgram> find_program(const Interface& interface) {
  bpf_xdp_query_opts found{};
  found.sz = sizeof found;
  const int error = ::bpf_xdp_query(static_cast<int>(interface.index.value()), 0, &found);
  if (error != 0) {
    errno = -error;
    throw_errno("ask which XDP program is on " + interface.name);
  }
  if (found.hw_prog_id != 0) return ForeignProgram{found.hw_prog_id, "offloaded", "xdpoffload"};
  if (found.drv_prog_id != 0) return ForeignProgram{found.drv_prog_id, "native", "xdpdrv"};
  if (found.skb_prog_id != 0) return ForeignProgram{found.skb_prog_id, "generic", "xdpgeneric"};
  if (found.prog_id != 0) return ForeignProgram{found.prog_id, "unknown mode", "xdp"};
  return std::nullopt;
}

/// Empty where we may not look (that takes CAP_SYS_ADMIN).
std::string name_of(std::uint32_t program_id) {
  const UniqueFd fd{::bpf_prog_get_fd_by_id(program_id)};
  bpf_prog_info info{};
  std::uint32_t bytes = sizeof info;
  if (!fd || ::bpf_obj_get_info_by_fd(fd.get(), &info, &bytes) != 0) return {};
  return info.name;
}

/// The id of the bpf_link that holds the program to the interface, or 0: not held by one, or we
/// may not look.
std::uint32_t link_that_holds(const Interface& interface) {
  std::uint32_t id = 0;
  while (::bpf_link_get_next_id(id, &id) == 0) {
    const UniqueFd fd{::bpf_link_get_fd_by_id(id)};
    bpf_link_info info{};
    std::uint32_t bytes = sizeof info;
    if (!fd || ::bpf_obj_get_info_by_fd(fd.get(), &info, &bytes) != 0) continue;
    if (info.type == BPF_LINK_TYPE_XDP && info.xdp.ifindex == interface.index.value()) return id;
  }
  return 0;
}

}  // namespace

void refuse_foreign_program(const Interface& interface) {
  const auto program = find_program(interface);
  if (!program) return;
  const std::string name = name_of(program->id);
  const std::uint32_t link = link_that_holds(interface);
  const std::string held = link == 0 ? "" : fmt::format(", held by bpf_link {}", link);
  // A link goes with the process that holds it, or by `bpftool link detach`; `ip` cannot.
  const std::string detach =
      link == 0
          ? fmt::format("ip link set dev {} {} off    removes it", interface.name, program->detach)
          : fmt::format("stop its owner, or:  bpftool link detach id {}", link);
  throw Failure{
      ExitStatus::host_not_ready,
      {.code = "XDP-OTHER-01",
       .what = interface.name + ": an XDP program is attached already",
       .why = fmt::format("program {} '{}' ({}){}", program->id, name.empty() ? "?" : name,
                          program->mode, held),
       .next = fmt::format("bpftool prog show id {}    says more\n{}", program->id, detach)}};
}

}  // namespace valinor::packet_io::afxdp
