// SPDX-License-Identifier: MIT OR GPL-2.0-only
/* Hands telemetry to the AF_XDP socket of its queue; everything else, and everything on a queue
 * without a socket, goes to the host's stack. One of three programs is loaded:
 *
 *   valinor_redirect           nothing more
 *   valinor_redirect_stamped   puts the time at which it runs in front of the frame
 *   valinor_redirect_metadata  also what the NIC says of the frame; loaded for one device only
 *
 * Needs only UAPI headers. */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include "abi.h"
#include "steer.h"

char _license[] SEC("license") = "Dual MIT/GPL";

const volatile struct valinor_steer_rules rules = {};

const volatile struct valinor_metadata_wishes wishes = {};

/* 1 from the first frame on that went to a socket without a header of ours: the bytes in front of
 * it are anybody's, so the host program believes no header any more. */
__u32 headerless = 0;

/* The third parameter of rx_hash must be this enum in BTF, or the kernel refuses the program. */
enum xdp_rss_hash_type {
	XDP_RSS_TYPE_NONE = 0,
	XDP_RSS_FORCE_32 = 0x7fffffff,
};

/* Linux 6.3 and, the last, 6.8. */
extern int bpf_xdp_metadata_rx_timestamp(const struct xdp_md *context, __u64 *time) __ksym __weak;
extern int bpf_xdp_metadata_rx_hash(const struct xdp_md *context, __u32 *hash,
				    enum xdp_rss_hash_type *type) __ksym __weak;
extern int bpf_xdp_metadata_rx_vlan_tag(const struct xdp_md *context, __be16 *protocol,
					__u16 *control) __ksym __weak;

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

/* Room for a header in front of the frame; null where the driver has none. */
static __always_inline struct valinor_rx_metadata *make_header(struct xdp_md *context)
{
	struct valinor_rx_metadata *header;

	if (bpf_xdp_adjust_meta(context, -(int)sizeof(*header)))
		goto none;
	header = (void *)(long)context->data_meta;
	if ((void *)(header + 1) > (void *)(long)context->data)
		goto none;
	return header;
none:
	headerless = 1;
	return 0;
}

static __always_inline void begin_header(struct valinor_rx_metadata *header)
{
	__builtin_memset(header, 0, sizeof(*header));
	header->magic = VALINOR_RX_MAGIC;
	header->version = VALINOR_RX_VERSION;
	if (wishes.driver_time) {
		header->driver_ns = bpf_ktime_get_ns();
		header->valid = VALINOR_RX_DRIVER_TIME;
	}
}

static __always_inline void ask_driver(struct xdp_md *context, struct valinor_rx_metadata *header)
{
	enum xdp_rss_hash_type type = XDP_RSS_TYPE_NONE;
	__u16 valid = header->valid;
	__u16 vlan_control = 0;
	__be16 vlan_protocol = 0;
	__u32 hash = 0;
	__u64 time = 0;

	/* veth answers, with time 0, for frames that no NIC has stamped. */
	if (wishes.hardware_time && !bpf_xdp_metadata_rx_timestamp(context, &time) && time) {
		header->hardware_ns = time;
		valid |= VALINOR_RX_HARDWARE_TIME;
	}
	if (wishes.hash && !bpf_xdp_metadata_rx_hash(context, &hash, &type) &&
	    type != XDP_RSS_TYPE_NONE) {
		header->hash = hash;
		valid |= VALINOR_RX_HASH;
	}
	if (wishes.vlan_tag &&
	    !bpf_xdp_metadata_rx_vlan_tag(context, &vlan_protocol, &vlan_control)) {
		header->vlan_protocol = vlan_protocol;
		header->vlan_control = vlan_control;
		valid |= VALINOR_RX_VLAN_TAG;
	}
	header->valid = valid;
}

/* The verdict, counted. */
static __always_inline int redirect(struct xdp_md *context)
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

SEC("xdp")
int valinor_redirect(struct xdp_md *context)
{
	return redirect(context);
}

SEC("xdp")
int valinor_redirect_stamped(struct xdp_md *context)
{
	struct valinor_rx_metadata *header;
	int action = redirect(context);

	if (action == XDP_REDIRECT) {
		header = make_header(context);
		if (header)
			begin_header(header);
	}
	return action;
}

SEC("xdp")
int valinor_redirect_metadata(struct xdp_md *context)
{
	struct valinor_rx_metadata *header;
	int action = redirect(context);

	if (action == XDP_REDIRECT) {
		header = make_header(context);
		if (header) {
			begin_header(header);
			ask_driver(context, header);
		}
	}
	return action;
}
