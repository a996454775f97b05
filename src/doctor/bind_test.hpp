/// Tries AF_XDP on an interface for a moment: attaches the program, binds a socket to each queue
/// that a run would read, and takes all of it away again. No packet is steered to the sockets.
#pragma once

#include <string>

#include "doctor/facts.hpp"

namespace valinor::doctor {

/// Why the test is better not made; empty: it does no harm. Attaching a program and giving memory
/// to a queue resets many real NICs, whose link is then down for seconds.
[[nodiscard]] std::string reason_not_to_bind(const NicFacts& nic);

/// Makes the test, also where there is a reason not to. What the host lacks (rights, memory) ends
/// it and is in `failure`.
[[nodiscard]] BindTest test_bind(const NicFacts& nic, const Wanted& wanted);

}  // namespace valinor::doctor
