#include "packet_io/afxdp/foreign_program.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <string>

#include "base/failure.hpp"
#include "base/log.hpp"
#include "nic/xdp_attachment.hpp"

namespace valinor::packet_io::afxdp {
namespace {

/// Of a run of this program that goes on.
bool is_another_run(const nic::XdpAttachment& program) {
  return program.owner != 0 && program.name.starts_with("valinor_");
}

std::string what_to_do(const std::string& interface, const nic::XdpAttachment& program) {
  const std::string look = fmt::format("bpftool prog show id {}    says more\n", program.program);
  const std::string detach = nic::command_to_detach(interface, program);
  if (is_another_run(program)) return look + "stop its owner, or:  " + detach;
  return look + detach + (program.owner == 0 ? "" : "    or stop its owner") +
         "\nrun --takeover    takes it off at the start";
}

[[noreturn]] void refuse_to_go(const nic::Device& device, const nic::XdpAttachment& program,
                               int error) {
  std::string why = describe(program) + ": kernel said " + describe_errno(error);
  if (error == EPERM) {
    why += ", so CAP_SYS_ADMIN or CAP_NET_ADMIN is missing";
  } else if (error == EBUSY && program.link == 0) {
    why += ": a bpf_link holds it, and to find that takes CAP_SYS_ADMIN";
  }
  throw Failure{
      error == EPERM || error == EBUSY ? ExitStatus::not_permitted : ExitStatus::host_not_ready,
      {.code = "XDP-OTHER-02",
       .what = device.name() + ": the XDP program that is there cannot be taken off",
       .why = why,
       .next =
           fmt::format("as root:  bpftool net show dev {}    or stop its owner", device.name())}};
}

}  // namespace

void refuse_foreign_program(const Interface& interface) {
  const auto programs = nic::xdp_attachments(nic::Device{interface.name});
  if (programs.empty()) return;
  const nic::XdpAttachment& program = programs.front();
  throw Failure{ExitStatus::host_not_ready,
                {.code = "XDP-OTHER-01",
                 .what = interface.name + ": an XDP program is attached already",
                 .why = describe(program),
                 .next = what_to_do(interface.name, program)}};
}

void take_off_foreign_programs(const Interface& interface) {
  const nic::Device device{interface.name};
  for (const nic::XdpAttachment& program : nic::xdp_attachments(device)) {
    if (is_another_run(program)) continue;
    if (const int error = nic::detach_xdp(device, program); error != 0 && error != ENOENT) {
      refuse_to_go(device, program, error);
    }
    log::warning("{}: took off XDP {}, tag {}", interface.name, describe(program),
                 program.tag.empty() ? "?" : program.tag);
  }
}

}  // namespace valinor::packet_io::afxdp
