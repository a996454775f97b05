/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* What the BPF programs and the host program both read. No struct of these exists twice. */
#ifndef VALINOR_BPF_ABI_H
#define VALINOR_BPF_ABI_H

#ifdef __cplusplus
#include <cstdint>
#define VALINOR_U8 std::uint8_t
#define VALINOR_U16 std::uint16_t
#define VALINOR_U32 std::uint32_t
#define VALINOR_U64 std::uint64_t
#else
#include <linux/types.h>
#define VALINOR_U8 __u8
#define VALINOR_U16 __u16
#define VALINOR_U32 __u32
#define VALINOR_U64 __u64
#endif

/* Sizes of the rule table; wire/match.hpp and wire/packet.hpp state the same ones. */
#define VALINOR_MAX_ETHERTYPES 8
#define VALINOR_MAX_UDP_PORTS 16
#define VALINOR_MAX_VLAN_TAGS 2
#define VALINOR_MAX_IPV6_EXTENSIONS 5

/* Which frames go to the sockets. In .rodata, set before load: host byte order. */
struct valinor_steer_rules {
	VALINOR_U32 ethertype_count;
	VALINOR_U32 udp_port_count;
	VALINOR_U16 ethertypes[VALINOR_MAX_ETHERTYPES];
	VALINOR_U16 udp_ports[VALINOR_MAX_UDP_PORTS];
	VALINOR_U8 ip_protocols[256]; /* 1 = telemetry */
	VALINOR_U8 dscp_enabled;      /* 0 or 1 */
	VALINOR_U8 dscp_value;        /* 6 bits, within the mask */
	VALINOR_U8 dscp_mask;         /* 6 bits */
	VALINOR_U8 other;             /* enum valinor_other: what becomes of the rest */
};

enum valinor_other {
	VALINOR_OTHER_PASS,    /* to the host's stack */
	VALINOR_OTHER_FORWARD, /* to the sockets as well */
	VALINOR_OTHER_DROP
};

/* What the metadata programs are to find out about each frame. In .rodata, set before load; a kernel
 * function that is not wished for need not be there. */
struct valinor_metadata_wishes {
	VALINOR_U8 hardware_time; /* each 0 or 1 */
	VALINOR_U8 driver_time;
	VALINOR_U8 hash;
	VALINOR_U8 vlan_tag;
};

#define VALINOR_RX_MAGIC 0x4d58524eu /* "NRXM" in memory, on x86 */
#define VALINOR_RX_VERSION 1

/* Bits of valinor_rx_metadata.valid. */
#define VALINOR_RX_HARDWARE_TIME 0x1
#define VALINOR_RX_DRIVER_TIME 0x2
#define VALINOR_RX_HASH 0x4
#define VALINOR_RX_VLAN_TAG 0x8
#define VALINOR_RX_ALL 0xf

/* Right in front of each frame that a metadata program gives to a socket. 32 bytes are all that
 * Linux before 6.8 lets XDP put there. A field whose bit is not set in `valid` is 0. */
struct valinor_rx_metadata {
	VALINOR_U32 magic;
	VALINOR_U16 version;
	VALINOR_U16 valid;
	VALINOR_U32 hash;          /* the NIC's, of the flow */
	VALINOR_U16 vlan_protocol; /* big-endian, as on the wire: 0x8100 or 0x88a8 */
	VALINOR_U16 vlan_control;  /* host order: priority and VLAN id of a tag that is not in the frame */
	VALINOR_U64 hardware_ns;   /* the NIC's clock; never 0 */
	VALINOR_U64 driver_ns;     /* CLOCK_MONOTONIC, when the program ran */
};

/* Index into the per-CPU array `decisions`; the first six are wire::Decision. Every frame that the
 * program sees is counted once here. NO_SOCKET stands in for the decision when the frame's queue
 * has no socket in the map and the frame went to the stack; FORWARDED and DROPPED stand in for
 * NOT_TELEMETRY and TRUNCATED where those frames are forwarded or dropped. */
enum valinor_decision {
	VALINOR_BY_ETHERTYPE,
	VALINOR_BY_IP_PROTOCOL,
	VALINOR_BY_DSCP,
	VALINOR_BY_UDP_PORT,
	VALINOR_NOT_TELEMETRY,
	VALINOR_TRUNCATED,
	VALINOR_NO_SOCKET,
	VALINOR_FORWARDED,
	VALINOR_DROPPED,
	VALINOR_DECISIONS
};

/* One socket buffer that leaves, as egress_tap.bpf.c writes it into its CPU's ring buffer. Host byte
 * order, but for the addresses. */
struct valinor_tap_packet {
	VALINOR_U64 time_ns;         /* CLOCK_MONOTONIC, as bpf_ktime_get_ns() has it */
	VALINOR_U8 source[16];       /* IPv4 as ::ffff:a.b.c.d; all 0 where there is no IP header */
	VALINOR_U8 destination[16];
	VALINOR_U32 packet_bytes;    /* of the socket buffer, link header included */
	VALINOR_U32 segments;        /* packets that it becomes; 1 without segmentation offload */
	VALINOR_U32 segment_payload; /* bytes behind the headers of each segment but the last */
	VALINOR_U32 header_bytes;    /* in front of each segment; 0 if segments is 1 */
	VALINOR_U32 flow_hash;
	VALINOR_U32 mark;
	VALINOR_U16 source_port;     /* 0 where the protocol has none, or in later fragments */
	VALINOR_U16 destination_port;
	VALINOR_U8 protocol;         /* IP protocol number */
	VALINOR_U8 reserved[3];
};

/* Per CPU. packets = those described in the ring buffer + overflow. */
struct valinor_tap_counts {
	VALINOR_U64 packets;  /* that left, segments counted one by one */
	VALINOR_U64 overflow; /* of these, not described: the ring buffer was full */
	VALINOR_U64 bytes;    /* of all packets, headers of each segment included */
};

#endif
