/// From facts to diagnoses. Pure functions: the same facts, the same answers.
#pragma once

#include <string>

#include "doctor/diagnosis.hpp"
#include "doctor/facts.hpp"

namespace valinor::doctor {

/// The kernel, this process's rights, memory and CPUs. `wanted`: all interfaces of the run.
[[nodiscard]] Diagnoses judge_host(const HostFacts& host, const std::vector<Wanted>& wanted);

/// One interface: all of the rules below.
[[nodiscard]] Diagnoses judge_nic(const NicFacts& nic, const Wanted& wanted, const HostFacts& host);

// Parts of judge_nic(), each in a file of its own.
void judge_link(const NicFacts& nic, Diagnoses& out);  // link_rules
void judge_xdp(const NicFacts& nic, const Wanted& wanted, const HostFacts& host,
               Diagnoses& out);                                                 // xdp_rules
void judge_queues(const NicFacts& nic, const Wanted& wanted, Diagnoses& out);   // queue_rules
void judge_offloads(const NicFacts& nic, Diagnoses& out);                       // offload_rules
void judge_latency(const NicFacts& nic, const Wanted& wanted, Diagnoses& out);  // latency_rules

/// The queues that a run reads: those that it names, or all that there are.
[[nodiscard]] std::vector<QueueId> queues_read(const NicFacts& nic, const Wanted& wanted);

/// "0-3,5"
[[nodiscard]] std::string to_list(const std::vector<QueueId>& queues);
[[nodiscard]] std::string to_list(std::vector<std::uint32_t> numbers);

}  // namespace valinor::doctor
