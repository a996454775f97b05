// SPDX-License-Identifier: MIT OR GPL-2.0-only
/* Makes the frames of `gen --kernel`, run by BPF_PROG_RUN with live frames: each run fills in a frame
 * and redirects it to an interface, or lets it be taken back where none is due.
 *
 * A frame's memory holds what the last one that was there has become, on other interfaces as well, so
 * that all of it is written each time. Needs only UAPI headers; Linux 5.18. */
#include <linux/bpf.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

char _license[] SEC("license") = "Dual MIT/GPL";

#define SECOND 1000000000ull

/* All set before load. */
const volatile __u32 target = 0;      /* index of the interface to send by */
const volatile __u32 flows = 1;       /* entries of `templates` */
const volatile __u32 frame_bytes = 0; /* 0: frames are sent as they were given to BPF_PROG_RUN */
const volatile __u64 limit = ~0ull;   /* frames in all */
const volatile __u64 rate = 0;        /* frames a second; 0: as many as there are runs */
const volatile __u32 burst = 1;       /* frames that are due at once */
/* Where what differs from frame to frame is; 0: there is no such field. The checksum covers the RPC
 * id, and its template has the sum of all the rest. */
const volatile __u32 rpc_id_at = 0;
const volatile __u32 checksum_at = 0;
const volatile __u32 switch_time_at = 0; /* 6 bytes */

/* Runs follow each other, on one CPU: no atomics. */
__u64 made = 0;     /* frames that were redirected */
__u64 begin_ns = 0; /* CLOCK_MONOTONIC; of the first run */
__u64 end_ns = 0;   /* and of the last frame; 0: it has not been made */
__u64 due_ns = 0;   /* of the next frame, since begin_ns */

/* Slot = flow. Sizes are set by the host program. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, 8);
} templates SEC(".maps");

/* When frame `number` is to leave; in two parts, as the product would not fit 64 bits. */
static __always_inline __u64 due_time(__u64 number)
{
	number -= number % burst;
	return number / rate * SECOND + number % rate * SECOND / rate;
}

static __always_inline void store16(__u8 *at, __u32 value)
{
	at[0] = value >> 8;
	at[1] = value;
}

/* The RPC id is the low 32 bits of number + 1, and never 0. */
static __always_inline int write_rpc_id(struct xdp_md *context)
{
	__u8 *data = (void *)(long)context->data;
	void *end = (void *)(long)context->data_end;
	__u8 *id_at = data + rpc_id_at;
	__u8 *sum_at = data + checksum_at;
	__u32 id = (__u32)(made + 1);
	__u32 sum;

	if ((void *)(id_at + 4) > end || (void *)(sum_at + 2) > end)
		return -1;
	if (id == 0)
		id = 1;
	store16(id_at, id >> 16);
	store16(id_at + 2, id & 0xffff);
	sum = ((__u32)sum_at[0] << 8 | sum_at[1]) + (id >> 16) + (id & 0xffff);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = ~sum & 0xffff;
	store16(sum_at, sum != 0 ? sum : 0xffff);
	return 0;
}

static __always_inline int write_switch_time(struct xdp_md *context, __u64 time)
{
	__u8 *at = (__u8 *)(long)context->data + switch_time_at;

	if ((void *)(at + 6) > (void *)(long)context->data_end)
		return -1;
	store16(at, time >> 32 & 0xffff);
	store16(at + 2, time >> 16 & 0xffff);
	store16(at + 4, time & 0xffff);
	return 0;
}

static __always_inline int write_frame(struct xdp_md *context, __u64 elapsed)
{
	__u32 flow = made % flows;
	void *content = bpf_map_lookup_elem(&templates, &flow);

	if (!content || bpf_xdp_store_bytes(context, 0, content, frame_bytes) != 0)
		return -1;
	if (rpc_id_at != 0)
		return write_rpc_id(context);
	return switch_time_at != 0 ? write_switch_time(context, elapsed) : 0;
}

SEC("xdp")
int make_frame(struct xdp_md *context)
{
	__u64 elapsed = 0;

	if (made >= limit)
		return XDP_DROP;
	if (begin_ns == 0)
		begin_ns = bpf_ktime_get_ns();
	if (rate != 0 || switch_time_at != 0)
		elapsed = made == 0 ? 0 : bpf_ktime_get_ns() - begin_ns;
	if (rate != 0 && elapsed < due_ns)
		return XDP_DROP;
	if (frame_bytes != 0 && write_frame(context, elapsed) != 0)
		return XDP_ABORTED;
	made++;
	if (made == limit)
		end_ns = bpf_ktime_get_ns();
	if (rate != 0)
		due_ns = due_time(made);
	return bpf_redirect(target, 0);
}
