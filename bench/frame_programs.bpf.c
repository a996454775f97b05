// SPDX-License-Identifier: MIT OR GPL-2.0-only
/* The least that brings packets to AF_XDP sockets: all of them, unread. And the least that the kernel
 * does by itself: drops them, or sends them back. */
#include <linux/bpf.h>
#include <linux/if_ether.h>

#include <bpf/bpf_helpers.h>

char _license[] SEC("license") = "Dual MIT/GPL";

struct {
	__uint(type, BPF_MAP_TYPE_XSKMAP);
	__uint(max_entries, 64);
	__type(key, __u32);
	__type(value, __u32);
} sockets SEC(".maps");

SEC("xdp")
int redirect_all(struct xdp_md *context)
{
	return bpf_redirect_map(&sockets, context->rx_queue_index, XDP_PASS);
}

SEC("xdp")
int drop_all(struct xdp_md *context __attribute__((unused)))
{
	return XDP_DROP;
}

SEC("xdp")
int send_back(struct xdp_md *context)
{
	struct ethhdr *header = (void *)(long)context->data;
	__u8 destination[ETH_ALEN];

	if ((void *)(header + 1) > (void *)(long)context->data_end)
		return XDP_DROP;
	__builtin_memcpy(destination, header->h_dest, ETH_ALEN);
	__builtin_memcpy(header->h_dest, header->h_source, ETH_ALEN);
	__builtin_memcpy(header->h_source, destination, ETH_ALEN);
	return XDP_TX;
}
