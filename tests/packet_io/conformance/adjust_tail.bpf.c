// SPDX-License-Identifier: MIT OR GPL-2.0-only
/* Makes every packet longer or shorter at its end, then runs the program in the slot. */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

char _license[] SEC("license") = "Dual MIT/GPL";

const volatile __s32 delta = 0;

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} next SEC(".maps");

SEC("xdp")
int adjust_tail(struct xdp_md *context)
{
	if (bpf_xdp_adjust_tail(context, delta) != 0)
		return XDP_DROP;
	bpf_tail_call(context, &next, 0);
	return XDP_ABORTED;
}
