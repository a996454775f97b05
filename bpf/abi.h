/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* What the XDP program and the host program both read. No struct of these exists twice. */
#ifndef VALINOR_BPF_ABI_H
#define VALINOR_BPF_ABI_H

#ifdef __cplusplus
#include <cstdint>
#define VALINOR_U8 std::uint8_t
#define VALINOR_U16 std::uint16_t
#define VALINOR_U32 std::uint32_t
#else
#include <linux/types.h>
#define VALINOR_U8 __u8
#define VALINOR_U16 __u16
#define VALINOR_U32 __u32
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
	VALINOR_U8 reserved;
};

/* Index into the per-CPU array `decisions`; the first six are wire::Decision. Every frame that the
 * program sees is counted once here; NO_SOCKET stands in for a rule's decision when the frame's
 * queue has no socket in the map and the frame went to the stack. */
enum valinor_decision {
	VALINOR_BY_ETHERTYPE,
	VALINOR_BY_IP_PROTOCOL,
	VALINOR_BY_DSCP,
	VALINOR_BY_UDP_PORT,
	VALINOR_NOT_TELEMETRY,
	VALINOR_TRUNCATED,
	VALINOR_NO_SOCKET,
	VALINOR_DECISIONS
};

#endif
