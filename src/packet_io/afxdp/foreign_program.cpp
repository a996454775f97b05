#include "packet_io/afxdp/foreign_program.hpp"

#include <fmt/format.h>

#include <string>

#include "base/failure.hpp"
#include "nic/xdp_attachment.hpp"

namespace valinor::packet_io::afxdp {
namespace {

std::string describe_holder(const nic::XdpAttachment& program) {
  if (program.link == 0) return {};
  return fmt::format(", held by bpf_link {}", program.link) +
         (program.owner == 0 ? "" : fmt::format(" of process {}", program.owner));
}

}  // namespace

void refuse_foreign_program(const Interface& interface) {
  const auto programs = nic::xdp_attachments(nic::Device{interface.name});
  if (programs.empty()) return;
  const nic::XdpAttachment& program = programs.front();
  const std::string detach = nic::command_to_detach(interface.name, program);
  throw Failure{ExitStatus::host_not_ready,
                {.code = "XDP-OTHER-01",
                 .what = interface.name + ": an XDP program is attached already",
                 .why = fmt::format("program {} '{}' ({}){}", program.program,
                                    program.name.empty() ? "?" : program.name,
                                    nic::to_text(program.mode), describe_holder(program)),
                 .next = fmt::format("bpftool prog show id {}    says more\n{}", program.program,
                                     program.link == 0 ? detach + "    removes it"
                                                       : "stop its owner, or:  " + detach)}};
}

}  // namespace valinor::packet_io::afxdp
