// SPDX-License-Identifier: MIT OR GPL-2.0-only
/* Makes frames in the kernel, run by BPF_PROG_RUN with live frames, and takes in what comes back. */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

char _license[] SEC("license") = "Dual MIT/GPL";

/* Index of the interface to send by. Set before load. */
const volatile __u32 target = 0;

SEC("xdp")
int send_frame(struct xdp_md *context __attribute__((unused)))
{
	return bpf_redirect(target, 0);
}

SEC("xdp")
int take_in(struct xdp_md *context __attribute__((unused)))
{
	return XDP_DROP;
}
