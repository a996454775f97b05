/// Notices that someone else's XDP program is on an interface, and takes it off where that is
/// wanted. Set-up only.
#pragma once

#include "packet_io/afxdp/interface.hpp"

namespace valinor::packet_io::afxdp {

/// Throws Failure (XDP-OTHER-01) that names the program, its mode and what to do; returns where
/// there is none.
void refuse_foreign_program(const Interface& interface);

/// Takes off the programs that are there, and logs each. That of another run of this program stays
/// while its process lives, for its sockets would keep the queues. Throws Failure (XDP-OTHER-02)
/// where the kernel refuses: one that a bpf_link holds takes CAP_SYS_ADMIN.
void take_off_foreign_programs(const Interface& interface);

}  // namespace valinor::packet_io::afxdp
