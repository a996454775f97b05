#include "nic/xdp_attachment.hpp"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <fmt/format.h>
#include <linux/bpf.h>
#include <linux/if_link.h>

#include <cerrno>
#include <filesystem>
#include <fstream>

#include "base/unique_fd.hpp"
#include "nic/link.hpp"

namespace valinor::nic {
namespace {

namespace fs = std::filesystem;

bool is_number(const std::string& text) {
  return !text.empty() && text.find_first_not_of("0123456789") == std::string::npos;
}

bool says(const std::string& path, const std::string& wanted) {
  std::ifstream file{path};
  for (std::string line; std::getline(file, line);) {
    if (line == wanted) return true;
  }
  return false;
}

/// A process with an open descriptor of the link; 0 where none can be found.
pid_t owner_of_link(std::uint32_t link) {
  const std::string wanted = fmt::format("link_id:\t{}", link);
  std::error_code ignored;  // processes come and go, and others' are not ours to read
  for (const auto& process : fs::directory_iterator{"/proc", ignored}) {
    const std::string pid = process.path().filename().string();
    if (!is_number(pid)) continue;
    for (const auto& entry : fs::directory_iterator{process.path() / "fd", ignored}) {
      if (fs::read_symlink(entry.path(), ignored) != "anon_inode:bpf_link") continue;
      const auto info = process.path() / "fdinfo" / entry.path().filename();
      if (says(info.string(), wanted)) return static_cast<pid_t>(std::stol(pid));
    }
  }
  return 0;
}

void describe_program(XdpAttachment& found) {
  const UniqueFd fd{::bpf_prog_get_fd_by_id(found.program)};
  bpf_prog_info info{};
  std::uint32_t bytes = sizeof info;
  if (!fd || ::bpf_obj_get_info_by_fd(fd.get(), &info, &bytes) != 0) return;
  found.name = info.name;
  for (const unsigned char byte : info.tag) found.tag += fmt::format("{:02x}", byte);
}

/// The id of the link that holds the program to the interface, or 0.
std::uint32_t link_that_holds(const Device& device, std::uint32_t program) {
  std::uint32_t id = 0;
  while (::bpf_link_get_next_id(id, &id) == 0) {
    const UniqueFd fd{::bpf_link_get_fd_by_id(id)};
    bpf_link_info info{};
    std::uint32_t bytes = sizeof info;
    if (!fd || ::bpf_obj_get_info_by_fd(fd.get(), &info, &bytes) != 0) continue;
    if (info.type == BPF_LINK_TYPE_XDP && info.xdp.ifindex == device.index().value() &&
        info.prog_id == program) {
      return id;
    }
  }
  return 0;
}

std::uint32_t flags_of(XdpMode mode) {
  switch (mode) {
    case XdpMode::generic: return XDP_FLAGS_SKB_MODE;
    case XdpMode::native: return XDP_FLAGS_DRV_MODE;
    case XdpMode::offloaded: return XDP_FLAGS_HW_MODE;
  }
  return 0;
}

}  // namespace

std::vector<XdpAttachment> xdp_attachments(const Device& device) {
  const Link link = link_of(device);
  std::vector<XdpAttachment> found;
  const auto add = [&](XdpMode mode, std::uint32_t program) {
    if (program == 0) return;
    XdpAttachment one{.mode = mode, .program = program, .name = {}, .tag = {}};
    describe_program(one);
    one.link = link_that_holds(device, program);
    if (one.link != 0) one.owner = owner_of_link(one.link);
    found.push_back(std::move(one));
  };
  add(XdpMode::offloaded, link.xdp_offloaded);
  add(XdpMode::native, link.xdp_native);
  add(XdpMode::generic, link.xdp_generic);
  return found;
}

std::string to_text(XdpMode mode) {
  switch (mode) {
    case XdpMode::generic: return "generic";
    case XdpMode::native: return "native";
    case XdpMode::offloaded: return "offloaded";
  }
  return "?";
}

std::string describe(const XdpAttachment& program) {
  std::string text = fmt::format("program {} '{}' ({})", program.program,
                                 program.name.empty() ? "?" : program.name, to_text(program.mode));
  if (program.link != 0) text += fmt::format(", held by bpf_link {}", program.link);
  if (program.owner != 0) text += fmt::format(" of process {}", program.owner);
  return text;
}

std::string command_to_detach(const std::string& interface, const XdpAttachment& program) {
  // `ip` cannot take off what a link holds.
  if (program.link != 0) return fmt::format("bpftool link detach id {}", program.link);
  const char* word = program.mode == XdpMode::offloaded ? "xdpoffload"
                     : program.mode == XdpMode::native  ? "xdpdrv"
                                                        : "xdpgeneric";
  return fmt::format("ip link set dev {} {} off", interface, word);
}

int detach_xdp(const Device& device, const XdpAttachment& program) {
  if (program.link != 0) {
    const UniqueFd link{::bpf_link_get_fd_by_id(program.link)};
    return link && ::bpf_link_detach(link.get()) == 0 ? 0 : errno;
  }
  // This very program and no later one, where we may look at it.
  const UniqueFd expected{::bpf_prog_get_fd_by_id(program.program)};
  bpf_xdp_attach_opts options{};
  options.sz = sizeof options;
  if (expected) options.old_prog_fd = expected.get();
  const int error =
      ::bpf_xdp_detach(static_cast<int>(device.index().value()), flags_of(program.mode), &options);
  return -error;
}

}  // namespace valinor::nic
