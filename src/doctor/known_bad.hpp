/// Drivers and kernels that are known to fail in some way, each with where that is told.
#pragma once

#include "doctor/diagnosis.hpp"
#include "doctor/facts.hpp"

namespace valinor::doctor {

/// Appends what is known of this driver on this kernel, under the circumstances that it needs.
void judge_known_bad(const NicFacts& nic, const Wanted& wanted, const HostFacts& host,
                     Diagnoses& out);

}  // namespace valinor::doctor
