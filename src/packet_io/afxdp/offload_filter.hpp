/// The filter that runs on a NIC itself (XDP_FLAGS_HW_MODE) in front of the program that steers: it
/// keeps telemetry, and drops or thins out what the rules exclude, before it costs the host
/// anything.
///
/// NICs run programs without maps of the host, so the rules are not in .rodata, as those of
/// redirect.bpf.c are, but in the instructions, and the program is made here rather than compiled.
///
/// In doubt a frame is kept, for the host decides again: truncated ones, and IPv6 behind extension
/// headers. Whatever wire::Match calls telemetry is kept; a test holds both to that.
#pragma once

#include <linux/bpf.h>

#include <cstdint>
#include <vector>

#include "wire/match.hpp"

namespace valinor::packet_io::afxdp {

/// Instructions for BPF_PROG_TYPE_XDP: XDP_PASS for what may be telemetry, and by chance for one in
/// `sample` of the other frames (2 and more; 0: for none); XDP_DROP for the rest. Pure.
[[nodiscard]] std::vector<bpf_insn> make_offload_filter(const wire::MatchRules& rules,
                                                        std::uint32_t sample);

}  // namespace valinor::packet_io::afxdp
