/// Which system calls the running program may make. What packets and servers could turn a mistake
/// of ours into then ends here: no program is started, no file written, no process touched.
#pragma once

namespace valinor::app {

struct SystemCallNeeds {
  bool open_interfaces = false;  // AF_XDP sockets, their rings, our program on another interface
  bool nic_clocks = false;       // to read NICs' clocks, and to have NICs stamp no more at the end
  bool nic_settings = false;     // to put settings of NICs back at the end
  bool spill = false;            // to give space back to the disk where records have waited
};

/// From now on all threads may call what the data path, the exporter and its reconnections (name
/// resolution included), the log and the stop need. All else is refused with EPERM and a line in
/// the kernel's log. Refused, not killed: a killed process loses the records that it holds. For
/// good, and for threads and programs started later.
///
/// Main thread, with no_new_privs set. Throws Failure (SEC-FILTER-01) where the kernel cannot.
void limit_system_calls(const SystemCallNeeds& needs);

}  // namespace valinor::app
