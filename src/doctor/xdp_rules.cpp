#include <fmt/format.h>

#include <algorithm>

#include "doctor/rules.hpp"
#include "packet_io/afxdp/umem.hpp"

namespace valinor::doctor {
namespace {

using nic::XdpAct;
using packet_io::afxdp::Mode;

/// The command of a Finding, which may have several lines and a remark behind each.
std::string first_line(const std::string& text) { return text.substr(0, text.find('\n')); }

void judge_programs(const NicFacts& nic, const Wanted& wanted, Diagnoses& out) {
  for (const nic::XdpAttachment& one : nic.programs) {
    std::string text = fmt::format("program {} (id {}, tag {}, {}) is already attached",
                                   one.name.empty() ? "?" : one.name, one.program,
                                   one.tag.empty() ? "?" : one.tag, nic::to_text(one.mode));
    if (one.owner != 0) text += fmt::format(" by process {}", one.owner);
    if (wanted.interface.takeover) {
      out.push_back(warn("xdp", text + "; the run takes it off"));
    } else {
      out.push_back(fail("xdp", text, nic::command_to_detach(nic.name, one)));
    }
  }
}

/// What the driver says; sockets are judge_bind's.
void judge_features(const NicFacts& nic, const Wanted& wanted, Diagnoses& out) {
  const std::string driver = nic.driver.driver.empty() ? "the driver" : nic.driver.driver;
  if (!nic.xdp) {
    out.push_back(ok("driver", driver + ": does not say what it can (before Linux 6.3)"));
    return;
  }
  const bool is_native = nic.xdp->can(XdpAct::basic) && nic.xdp->can(XdpAct::redirect);
  if (!is_native) {
    const bool is_asked =
        wanted.interface.mode == Mode::zerocopy || wanted.interface.mode == Mode::copy;
    const std::string text = driver + ": no native XDP, only generic: several times the cost";
    out.push_back(is_asked ? fail("driver", text, "interfaces[].mode: skb") : warn("driver", text));
    return;
  }
  const bool is_zerocopy = nic.xdp->can(XdpAct::xsk_zerocopy);
  if (wanted.interface.mode == Mode::zerocopy && !is_zerocopy) {
    out.push_back(fail("driver", driver + ": no zero-copy, which the configuration asks for",
                       "interfaces[].mode: auto"));
    return;
  }
  std::string text = driver + ": XDP native, ";
  text += is_zerocopy ? "zero-copy" : "no zero-copy";
  if (nic.xdp->can(XdpAct::hw_offload)) text += ", programs in the NIC";
  if (nic.xdp->tells(nic::RxMetadata::timestamp)) text += ", receive times";
  out.push_back(ok("driver", text));
}

void judge_bind(const NicFacts& nic, Diagnoses& out) {
  const BindTest& test = nic.bind;
  if (!test.skipped.empty()) {
    out.push_back(ok("bind", "not tested: " + test.skipped));
    return;
  }
  if (test.failure) {
    out.push_back(fail("bind", first_line(test.failure->what + ": " + test.failure->why),
                       first_line(test.failure->next)));
    return;
  }
  if (!test.native_refusal.empty()) {
    out.push_back(warn("bind", test.native_refusal + "; a run would use generic XDP, several times "
                                                     "the cost"));
  }
  std::vector<QueueId> zerocopy, copy;
  std::string why_copy;
  for (const QueueBind& one : test.queues) {
    if (one.refusal) {
      out.push_back(
          fail("bind", fmt::format("queue {}: {}", one.queue.value(), first_line(one.refusal->why)),
               first_line(one.refusal->next)));
      continue;
    }
    (one.zerocopy ? zerocopy : copy).push_back(one.queue);
    if (!one.zerocopy) why_copy = one.zerocopy_refusal;
  }
  if (!zerocopy.empty()) {
    out.push_back(ok(
        "bind", fmt::format("zero-copy sockets tested on queues {}, released", to_list(zerocopy))));
  }
  if (copy.empty()) return;
  const bool is_promised = nic.xdp && nic.xdp->can(XdpAct::xsk_zerocopy) && !why_copy.empty();
  const std::string text =
      fmt::format("copying sockets tested on queues {}, released{}", to_list(copy),
                  is_promised ? "; zero-copy was refused: " + why_copy : "");
  out.push_back(is_promised ? warn("bind", text, "dmesg | tail    may hold the reason")
                            : ok("bind", text));
}

void judge_mtu(const NicFacts& nic, const Wanted& wanted, const HostFacts& host, Diagnoses& out) {
  const auto& umem = wanted.interface.umem;
  const std::uint32_t largest = packet_io::afxdp::largest_mtu(umem);
  if (nic.link.mtu <= largest) return;
  constexpr std::uint32_t kUsualMtu = 1500;
  constexpr KernelVersion kSeveralFrames{6, 6, 0};
  const bool may_be_several = host.kernel >= kSeveralFrames && largest >= kUsualMtu;
  if (may_be_several) {
    out.push_back(
        ok("mtu", fmt::format("{}: packets of more than {} bytes are several frames of {}, "
                              "passed on whole and not edited",
                              nic.link.mtu, largest, umem.frame_size)));
    return;
  }
  out.push_back(
      fail("mtu",
           fmt::format("MTU {}, but frames of {} bytes hold packets of an MTU of {} at most",
                       nic.link.mtu, umem.frame_size, largest),
           umem.frame_size < 4096 ? "interfaces[].umem.frame_size: 4096"
                                  : fmt::format("ip link set {} mtu 1500", nic.name)));
}

/// "RX hardware, all packets; PHC /dev/ptp2"
void judge_stamps(const NicFacts& nic, Diagnoses& out) {
  if (!nic.stamps || nic.stamps->phc < 0) {
    out.push_back(
        ok("timestamps", "none by the NIC; packets are stamped when a worker takes them"));
    return;
  }
  std::string text = nic.stamps->stamps_all_received()   ? "hardware, all received packets"
                     : nic.stamps->stamps_ptp_received() ? "hardware, received PTP packets only"
                                                         : "no received packet";
  text += fmt::format("; clock /dev/ptp{}", nic.stamps->phc);
  constexpr std::int32_t kAll = 1;  // HWTSTAMP_FILTER_ALL
  const bool is_on = nic.stamping && nic.stamping->rx_filter == kAll;
  if (nic.stamps->stamps_all_received() && !is_on) text += "; switched off now";
  out.push_back(ok("timestamps", text));
}

}  // namespace

void judge_xdp(const NicFacts& nic, const Wanted& wanted, const HostFacts& host, Diagnoses& out) {
  judge_features(nic, wanted, out);
  judge_programs(nic, wanted, out);
  judge_bind(nic, out);
  judge_mtu(nic, wanted, host, out);
  judge_stamps(nic, out);
}

}  // namespace valinor::doctor
