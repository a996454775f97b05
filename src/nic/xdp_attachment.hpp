/// The XDP programs that are on an interface, and who put them there.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "nic/device.hpp"

namespace valinor::nic {

enum class XdpMode : std::uint8_t { generic, native, offloaded };

struct XdpAttachment {
  XdpMode mode = XdpMode::native;
  std::uint32_t program = 0;  // id
  // What follows is empty or 0 where we may not look (that takes CAP_SYS_ADMIN).
  std::string name;        // cut by the kernel at 15 characters
  std::string tag;         // hash of the program's instructions, in hexadecimal
  std::uint32_t link = 0;  // id of the bpf_link that holds it; 0: held by the interface itself
  pid_t owner = 0;         // a process that has the link open
};

/// At most one for each mode.
[[nodiscard]] std::vector<XdpAttachment> xdp_attachments(const Device& device);

/// "generic", "native", "offloaded"
[[nodiscard]] std::string to_text(XdpMode mode);

/// "program 51 'filter' (native), held by bpf_link 4 of process 4711"
[[nodiscard]] std::string describe(const XdpAttachment& program);

/// The command that takes it off.
[[nodiscard]] std::string command_to_detach(const std::string& interface,
                                            const XdpAttachment& program);

/// Does the same: 0 or the errno. EBUSY where a link holds it that we may not look at.
[[nodiscard]] int detach_xdp(const Device& device, const XdpAttachment& program);

}  // namespace valinor::nic
