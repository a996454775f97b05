#include "doctor/known_bad.hpp"
#include "doctor/rules.hpp"

namespace valinor::doctor {

Diagnoses judge_nic(const NicFacts& nic, const Wanted& wanted, const HostFacts& host) {
  Diagnoses out;
  judge_link(nic, out);
  judge_xdp(nic, wanted, host, out);
  judge_queues(nic, wanted, out);
  judge_offloads(nic, out);
  judge_latency(nic, wanted, out);
  judge_known_bad(nic, wanted, host, out);
  return out;
}

}  // namespace valinor::doctor
