// SPDX-License-Identifier: MIT OR GPL-2.0-only
/* Hands telemetry to the AF_XDP socket of its queue; everything else, and everything on a queue
 * without a socket, goes to the host's stack. Needs only UAPI headers and no BTF of the kernel. */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include "abi.h"
#include "steer.h"

char _license[] SEC("license") = "Dual MIT/GPL";

const volatile struct valinor_steer_rules rules = {};

/* Slot = queue. Resized to the interface's number of queues before load. */
struct {
	__uint(type, BPF_MAP_TYPE_XSKMAP);
	__uint(max_entries, 64);
	__type(key, __u32);
	__type(value, __u32);
} sockets SEC(".maps");

/* Frames by enum valinor_decision. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, VALINOR_DECISIONS);
	__type(key, __u32);
	__type(value, __u64);
} decisions SEC(".maps");

static __always_inline void count(__u32 decision)
{
	__u64 *frames = bpf_map_lookup_elem(&decisions, &decision);

	if (frames)
		*frames += 1; /* this CPU's own, and NAPI does not nest: no atomic needed */
}

SEC("xdp")
int valinor_redirect(struct xdp_md *context)
{
	enum valinor_decision decision = steer_decide(&rules, (void *)(long)context->data,
						      (void *)(long)context->data_end);
	int action = XDP_PASS;

	if (decision >= VALINOR_NOT_TELEMETRY) {
		if (rules.other == VALINOR_OTHER_DROP) {
			count(VALINOR_DROPPED);
			return XDP_DROP;
		}
		if (rules.other == VALINOR_OTHER_FORWARD)
			decision = VALINOR_FORWARDED;
	}
	if (decision < VALINOR_NOT_TELEMETRY || decision == VALINOR_FORWARDED) {
		action = bpf_redirect_map(&sockets, context->rx_queue_index, XDP_PASS);
		if (action != XDP_REDIRECT)
			decision = VALINOR_NO_SOCKET;
	}
	count(decision);
	return action;
}
