// SPDX-License-Identifier: MIT OR GPL-2.0-only
/* Times every packet that leaves an interface (tc egress), into the ring buffer of its CPU. It lets
 * all programs behind it go on, and changes nothing of a packet but, if asked, its mark.
 *
 * Reads packets by helpers only: direct access at an offset from the packet would need CAP_PERFMON.
 * Needs only UAPI headers and no BTF of the kernel; Linux 5.8 or later, for the ring buffers. */
#include <linux/bpf.h>
#include <linux/pkt_cls.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "abi.h"

char _license[] SEC("license") = "Dual MIT/GPL";

#define ETHERNET_BYTES 14
#define IPV6_BYTES 40

const volatile __u8 clear_mark = 0;

/* Set while a run is on. Cleared first at its end; whoever waits for an RCU grace period then knows
 * that the ring buffers are complete. */
volatile __u32 enabled = 0;

/* Slot = CPU. Resized to the possible CPUs, and the ring buffers put in, by the host program. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 1);
	__type(key, __u32);
	__array(values, struct {
		__uint(type, BPF_MAP_TYPE_RINGBUF);
		__uint(max_entries, 4096);
	});
} rings SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct valinor_tap_counts);
} counts SEC(".maps");

struct vlan_tag {
	__be16 tci;
	__be16 ethertype;
};

struct ipv4 {
	__u8 version_and_words;
	__u8 tos;
	__be16 total_bytes;
	__be16 id;
	__be16 fragment;
	__u8 ttl;
	__u8 protocol;
	__be16 checksum;
	__u8 source[4];
	__u8 destination[4];
};

struct ipv6 {
	__u8 version_and_class[4];
	__be16 payload_bytes;
	__u8 next_header;
	__u8 hop_limit;
	__u8 source[16];
	__u8 destination[16];
};

struct ipv6_extension {
	__u8 next_header;
	__u8 words; /* of 8 bytes, beyond the first */
	__be16 fragment;
};

struct ports {
	__be16 source;
	__be16 destination;
};

enum protocol {
	HOP_BY_HOP = 0,
	TCP = 6,
	UDP = 17,
	ROUTING = 43,
	FRAGMENT = 44,
	DESTINATION = 60,
	SCTP = 132,
	UDP_LITE = 136,
};

/* Fills in the ports. Answers where the payload of TCP or UDP begins. */
static __always_inline __u32 read_transport(struct __sk_buff *skb, __u32 at,
					    struct valinor_tap_packet *packet)
{
	struct ports ports;
	__u8 tcp_words = 0;

	if (packet->protocol != TCP && packet->protocol != UDP && packet->protocol != SCTP &&
	    packet->protocol != UDP_LITE)
		return at;
	if (bpf_skb_load_bytes(skb, at, &ports, sizeof(ports)) != 0)
		return at;
	packet->source_port = bpf_ntohs(ports.source);
	packet->destination_port = bpf_ntohs(ports.destination);
	if (packet->protocol != TCP)
		return at + 8;
	if (bpf_skb_load_bytes(skb, at + 12, &tcp_words, 1) != 0)
		return at;
	return at + 4 * (tcp_words >> 4);
}

static __always_inline __u32 read_ipv4(struct __sk_buff *skb, __u32 at,
				       struct valinor_tap_packet *packet)
{
	struct ipv4 ip;

	if (bpf_skb_load_bytes(skb, at, &ip, sizeof(ip)) != 0 || ip.version_and_words >> 4 != 4)
		return at;
	packet->source[10] = packet->source[11] = 0xff;
	packet->destination[10] = packet->destination[11] = 0xff;
	__builtin_memcpy(packet->source + 12, ip.source, 4);
	__builtin_memcpy(packet->destination + 12, ip.destination, 4);
	packet->protocol = ip.protocol;
	at += 4 * (ip.version_and_words & 0x0f);
	if ((bpf_ntohs(ip.fragment) & 0x1fff) != 0)
		return at;
	return read_transport(skb, at, packet);
}

static __always_inline __u32 read_ipv6(struct __sk_buff *skb, __u32 at,
				       struct valinor_tap_packet *packet)
{
	struct ipv6 ip;

	if (bpf_skb_load_bytes(skb, at, &ip, sizeof(ip)) != 0 || ip.version_and_class[0] >> 4 != 6)
		return at;
	__builtin_memcpy(packet->source, ip.source, 16);
	__builtin_memcpy(packet->destination, ip.destination, 16);
	packet->protocol = ip.next_header;
	at += IPV6_BYTES;
	for (int i = 0; i < VALINOR_MAX_IPV6_EXTENSIONS; i++) {
		struct ipv6_extension extension;

		if (packet->protocol != HOP_BY_HOP && packet->protocol != ROUTING &&
		    packet->protocol != DESTINATION && packet->protocol != FRAGMENT)
			break;
		if (bpf_skb_load_bytes(skb, at, &extension, sizeof(extension)) != 0)
			return at;
		if (packet->protocol == FRAGMENT) {
			packet->protocol = extension.next_header;
			at += 8;
			if ((bpf_ntohs(extension.fragment) & 0xfff8) != 0)
				return at;
		} else {
			packet->protocol = extension.next_header;
			at += 8 + 8 * extension.words;
		}
	}
	return read_transport(skb, at, packet);
}

/* Fills in addresses, ports and protocol. Answers how many bytes of headers there are. */
static __always_inline __u32 read_headers(struct __sk_buff *skb, __u32 link_bytes,
					  struct valinor_tap_packet *packet)
{
	__u32 at = link_bytes;
	__be16 ethertype = 0;

	if (link_bytes == 0) {
		__u8 version = 0;

		if (bpf_skb_load_bytes(skb, 0, &version, 1) != 0)
			return 0;
		return version >> 4 == 6 ? read_ipv6(skb, 0, packet) : read_ipv4(skb, 0, packet);
	}
	if (bpf_skb_load_bytes(skb, 12, &ethertype, sizeof(ethertype)) != 0)
		return at;
	for (int i = 0; i < VALINOR_MAX_VLAN_TAGS; i++) {
		struct vlan_tag tag;

		if (ethertype != bpf_htons(0x8100) && ethertype != bpf_htons(0x88a8))
			break;
		if (bpf_skb_load_bytes(skb, at, &tag, sizeof(tag)) != 0)
			return at;
		ethertype = tag.ethertype;
		at += sizeof(tag);
	}
	if (ethertype == bpf_htons(0x0800))
		return read_ipv4(skb, at, packet);
	if (ethertype == bpf_htons(0x86dd))
		return read_ipv6(skb, at, packet);
	return at;
}

/* How many packets the socket buffer becomes, and which bytes are in each. */
static __always_inline void read_segments(struct __sk_buff *skb, __u32 headers,
					  struct valinor_tap_packet *packet)
{
	__u32 segments = skb->gso_segs;
	__u32 payload = skb->gso_size;
	/* With segmentation, tc counts the headers of all segments: len + (segments - 1) x headers.
	 * It knows them better than we, tunnels included. */
	__u32 wire = skb->wire_len;

	packet->segments = 1;
	if (payload == 0)
		return;
	if (segments == 0) { /* from a guest or a tun device, which do not say */
		if (packet->packet_bytes <= headers)
			return;
		segments = (packet->packet_bytes - headers + payload - 1) / payload;
	} else if (segments > 1 && wire > packet->packet_bytes) {
		headers = (wire - packet->packet_bytes) / (segments - 1);
	}
	if (segments < 2)
		return;
	packet->segments = segments;
	packet->segment_payload = payload;
	packet->header_bytes = headers;
}

static __always_inline int tap(struct __sk_buff *skb, __u32 link_bytes)
{
	struct valinor_tap_packet packet = {};
	struct valinor_tap_counts *count;
	__u32 cpu = bpf_get_smp_processor_id();
	__u32 zero = 0;
	__u32 headers;
	void *ring;

	if (!enabled)
		return TC_ACT_UNSPEC;
	packet.time_ns = bpf_ktime_get_ns();
	packet.packet_bytes = skb->len;
	packet.mark = skb->mark;
	packet.flow_hash = skb->hash;
	if (packet.flow_hash == 0)
		packet.flow_hash = bpf_get_hash_recalc(skb);
	headers = read_headers(skb, link_bytes, &packet);
	read_segments(skb, headers, &packet);
	if (clear_mark)
		skb->mark = 0;

	count = bpf_map_lookup_elem(&counts, &zero);
	ring = bpf_map_lookup_elem(&rings, &cpu);
	if (!count)
		return TC_ACT_UNSPEC;
	/* This CPU's own, and bottom halves are off: no atomic needed. */
	count->packets += packet.segments;
	count->bytes += packet.packet_bytes + (__u64)(packet.segments - 1) * packet.header_bytes;
	/* Without flags it wakes the reader only if that had read all there was. */
	if (!ring || bpf_ringbuf_output(ring, &packet, sizeof(packet), 0) != 0)
		count->overflow += packet.segments;
	return TC_ACT_UNSPEC;
}

/* For interfaces with an Ethernet header. */
SEC("tc")
int valinor_tap(struct __sk_buff *skb)
{
	return tap(skb, ETHERNET_BYTES);
}

/* For those without: tun, WireGuard, IP in IP. */
SEC("tc")
int valinor_tap_ip(struct __sk_buff *skb)
{
	return tap(skb, 0);
}
