/// Notices that someone else's XDP program is on an interface. Set-up only.
#pragma once

#include "packet_io/afxdp/interface.hpp"

namespace valinor::packet_io::afxdp {

/// Throws Failure (XDP-OTHER-01) that names the program, its mode and what to do; returns where
/// there is none.
void refuse_foreign_program(const Interface& interface);

}  // namespace valinor::packet_io::afxdp
