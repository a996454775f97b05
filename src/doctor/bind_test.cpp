#include "doctor/bind_test.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "doctor/rules.hpp"
#include "packet_io/afxdp/afxdp_port.hpp"
#include "packet_io/afxdp/redirect_program.hpp"

namespace valinor::doctor {
namespace {

using namespace packet_io::afxdp;  // NOLINT(google-build-using-namespace): all of it is tried here

/// Attaches the program, in native mode where the driver takes it and the run would ask for it.
void attach(RedirectProgram& program, const Interface& interface, Mode mode, BindTest& test) {
  if (mode != Mode::skb) {
    try {
      program.attach(interface, AttachMode::native);
      return;
    } catch (const Failure& refusal) {
      if (refusal.finding().code != kAttachRefused) throw;
      test.native_refusal = refusal.finding().why;
    }
  }
  program.attach(interface, AttachMode::generic);
}

QueueBind try_queue(const Interface& interface, QueueId queue, const InterfaceConfig& config,
                    Mode mode) {
  QueueBind result{.queue = queue, .zerocopy = false, .zerocopy_refusal = {}, .refusal = {}};
  try {
    FramePool pool{config.umem};
    const AfxdpPort port{interface, queue, pool, config.rings, mode};
    result.zerocopy = port.is_zerocopy();
    result.zerocopy_refusal = port.zerocopy_refusal();
  } catch (const Failure& refusal) {
    result.refusal = refusal.finding();
  }
  return result;
}

}  // namespace

std::string reason_not_to_bind(const NicFacts& nic) {
  if (!nic.programs.empty()) return "another XDP program is on the interface";
  if (!nic.link.up) return "the interface is switched off";
  if (nic.link.hardware.empty() || !nic.link.carrier) return {};
  return "it may interrupt the link of a real NIC for seconds; --bind-test does it";
}

BindTest test_bind(const NicFacts& nic, const Wanted& wanted) {
  BindTest test;
  try {
    const Interface interface = find_interface(nic.name);
    const std::uint32_t slots =
        std::max(interface.queues.receive, interface.queues.receive_maximum);
    const bool takes_fragments = may_need_fragments(interface, wanted.interface.umem);
    RedirectProgram program{{}, OtherTraffic::kernel, slots, {}, {}, takes_fragments};
    attach(program, interface, wanted.interface.mode, test);
    const bool is_generic = wanted.interface.mode == Mode::skb || !test.native_refusal.empty();
    const Mode mode = is_generic ? Mode::skb : wanted.interface.mode;
    const std::uint32_t usable = std::min(nic.queues.receive, nic.queues.transmit);
    for (const QueueId queue : queues_read(nic, wanted)) {
      if (queue.value() >= usable) continue;  // the rule about queues tells
      test.queues.push_back(try_queue(interface, queue, wanted.interface, mode));
    }
  } catch (const Failure& refusal) {
    test.failure = refusal.finding();
  }
  return test;
}

}  // namespace valinor::doctor
