/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* Which frames are telemetry: wire::Match::decide in the kernel's words. A test feeds both the
 * same frames, so a change here is a change there. */
#ifndef VALINOR_BPF_STEER_H
#define VALINOR_BPF_STEER_H

#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/udp.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "abi.h"

/* linux/in.h has no IPv6, and linux/ipv6.h splits the first word in ways that cost instructions. */
#define STEER_HOP_BY_HOP 0
#define STEER_ROUTING 43
#define STEER_FRAGMENT 44
#define STEER_DESTINATION 60

struct steer_vlan_tag {
	__be16 control;
	__be16 ethertype;
};

struct steer_ipv6 {
	__be32 version_class_flow;
	__be16 payload_bytes;
	__u8 next_header;
	__u8 hop_limit;
	__u8 addresses[32];
};

struct steer_ipv6_extension {
	__u8 next_header;
	__u8 length; /* in 8-byte units, without the first one */
	__be16 rest[3];
};

/* The network layer, as far as the rules ask. */
struct steer_ip {
	void *payload; /* checked against the frame's end: not beyond it */
	__u8 protocol;
	__u8 dscp;
	__u8 later_fragment; /* no transport header follows */
};

static __always_inline int steer_is_extension(__u8 protocol)
{
	return protocol == STEER_HOP_BY_HOP || protocol == STEER_ROUTING ||
	       protocol == STEER_DESTINATION || protocol == STEER_FRAGMENT;
}

/* 0, or -1 where the packet ends too early or contradicts itself. */
static __always_inline int steer_parse_ipv4(void *packet, void *data_end, struct steer_ip *ip)
{
	struct iphdr *header = packet;
	__u32 header_bytes;

	if ((void *)(header + 1) > data_end)
		return -1;
	header_bytes = header->ihl * 4;
	if (header->version != 4 || header_bytes < sizeof(*header))
		return -1;
	if (packet + header_bytes > data_end)
		return -1;
	ip->payload = packet + header_bytes;
	ip->protocol = header->protocol;
	ip->dscp = header->tos >> 2;
	ip->later_fragment = (header->frag_off & bpf_htons(0x1fff)) != 0;
	return 0;
}

static __always_inline int steer_parse_ipv6(void *packet, void *data_end, struct steer_ip *ip)
{
	struct steer_ipv6 *header = packet;
	void *next = header + 1;
	__u32 first_word;
	__u8 protocol;
	int i;

	if (next > data_end)
		return -1;
	first_word = bpf_ntohl(header->version_class_flow);
	if (first_word >> 28 != 6)
		return -1;
	protocol = header->next_header;
	ip->dscp = first_word >> 22 & 0x3f;
	ip->later_fragment = 0;

#pragma unroll
	for (i = 0; i < VALINOR_MAX_IPV6_EXTENSIONS; i++) {
		struct steer_ipv6_extension *extension = next;
		__u8 kind = protocol;

		if (!steer_is_extension(kind))
			break;
		if ((void *)(extension + 1) > data_end)
			return -1;
		next = extension + 1;
		protocol = extension->next_header;
		if (kind == STEER_FRAGMENT) {
			if (extension->rest[0] & bpf_htons(0xfff8)) {
				ip->later_fragment = 1;
				break;
			}
		} else {
			next += (__u32)extension->length * 8;
			if (next > data_end)
				return -1;
		}
	}
	ip->payload = next;
	ip->protocol = protocol;
	return 0;
}

static __always_inline int steer_has_ethertype(const volatile struct valinor_steer_rules *rules,
					       __u16 ethertype)
{
	int i;

#pragma unroll
	for (i = 0; i < VALINOR_MAX_ETHERTYPES; i++) {
		if (i < (int)rules->ethertype_count && rules->ethertypes[i] == ethertype)
			return 1;
	}
	return 0;
}

static __always_inline int steer_has_udp_port(const volatile struct valinor_steer_rules *rules,
					      __u16 port)
{
	int i;

#pragma unroll
	for (i = 0; i < VALINOR_MAX_UDP_PORTS; i++) {
		if (i < (int)rules->udp_port_count && rules->udp_ports[i] == port)
			return 1;
	}
	return 0;
}

/* `rules` is in .rodata: the verifier knows its values and removes the rules that are not set. */
static __always_inline enum valinor_decision
steer_decide(const volatile struct valinor_steer_rules *rules, void *data, void *data_end)
{
	struct ethhdr *ethernet = data;
	void *next = ethernet + 1;
	struct steer_ip ip = {};
	struct udphdr *udp;
	__be16 ethertype;
	int i;

	if (next > data_end)
		return VALINOR_TRUNCATED;
	ethertype = ethernet->h_proto;
#pragma unroll
	for (i = 0; i < VALINOR_MAX_VLAN_TAGS; i++) {
		struct steer_vlan_tag *tag = next;

		if (ethertype != bpf_htons(ETH_P_8021Q) && ethertype != bpf_htons(ETH_P_8021AD))
			break;
		if ((void *)(tag + 1) > data_end)
			return VALINOR_TRUNCATED;
		ethertype = tag->ethertype;
		next = tag + 1;
	}

	if (steer_has_ethertype(rules, bpf_ntohs(ethertype)))
		return VALINOR_BY_ETHERTYPE;
	if (ethertype == bpf_htons(ETH_P_IP)) {
		if (steer_parse_ipv4(next, data_end, &ip))
			return VALINOR_TRUNCATED;
	} else if (ethertype == bpf_htons(ETH_P_IPV6)) {
		if (steer_parse_ipv6(next, data_end, &ip))
			return VALINOR_TRUNCATED;
	} else {
		return VALINOR_NOT_TELEMETRY;
	}

	if (rules->ip_protocols[ip.protocol])
		return VALINOR_BY_IP_PROTOCOL;
	if (rules->dscp_enabled && (ip.protocol == IPPROTO_UDP || ip.protocol == IPPROTO_TCP) &&
	    (ip.dscp & rules->dscp_mask) == rules->dscp_value)
		return VALINOR_BY_DSCP;
	if (rules->udp_port_count == 0 || ip.protocol != IPPROTO_UDP || ip.later_fragment)
		return VALINOR_NOT_TELEMETRY;
	udp = ip.payload;
	if ((void *)(udp + 1) > data_end)
		return VALINOR_TRUNCATED;
	return steer_has_udp_port(rules, bpf_ntohs(udp->dest)) ? VALINOR_BY_UDP_PORT :
								 VALINOR_NOT_TELEMETRY;
}

#endif
