/// What is kept of a telemetry packet: one PacketRecord, and a HopRecord for each hop it reports. A
/// packet that the tap saw leave this host is a PacketRecord too.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "base/time.hpp"

namespace valinor::telemetry {

enum class Format : std::uint8_t {
  p4netintel = 1,     // ethertype 0x1212, hop-by-hop traces
  valinor_n = 2,      // IP protocol 253 or 255, timestamp packets mirrored by a switch
  host_egress = 3,    // no telemetry: any packet that this host sent, seen by the tap
  valinor_entry = 4,  // read back from the 34 bytes that a sorted set or a .npy has of a record:
                      // flow_hash is the entry's key, switch_time its time, all else as Valinor-N
};

/// Who sent the packet to whom. IPv4 addresses are IPv4-mapped: ::ffff:a.b.c.d.
struct FlowKey {
  std::array<std::byte, 16> source{};
  std::array<std::byte, 16> destination{};
  std::uint16_t source_port = 0;  // 0 where the protocol has none, or the frame ends before it
  std::uint16_t destination_port = 0;
  std::uint8_t protocol = 0;  // IP protocol number
  std::array<std::uint8_t, 3> reserved{};
};
static_assert(sizeof(FlowKey) == 40);

/// What a PacketRecord holds and what was odd about the packet; or-ed together.
namespace flag {
inline constexpr std::uint32_t kSwitchTime = 1u << 0;  // switch_time is valid
inline constexpr std::uint32_t kRpcId = 1u << 1;       // rpc_id is valid
inline constexpr std::uint32_t kHostTime = 1u << 2;    // host_requests and host_time_ns are valid
inline constexpr std::uint32_t kHostLittleEndian =
    1u << 3;  // ... and stood on the wire in x86 byte order
inline constexpr std::uint32_t kLengthUnknown =
    1u << 4;  // the switch did not know packet_bytes; it is 0
inline constexpr std::uint32_t kMonitorCopy =
    1u << 5;  // cut short by the switch; inner lengths are the original's
inline constexpr std::uint32_t kHopsCut =
    1u << 6;  // more hops than telemetry.max_hops; the oldest are left out
inline constexpr std::uint32_t kManyHops =
    1u << 7;  // more traces than P4NetIntel's switches stack (20)
inline constexpr std::uint32_t kHostPair =
    1u << 8;  // a reply as this host sent it: hops of the request, time between the two
inline constexpr std::uint32_t kGsoSegment =
    1u << 9;  // host_egress: the host sent it as a part of a larger one; its time is computed
inline constexpr std::uint32_t kCaptureCut =
    1u << 10;  // the packet went on behind what was read: in a capture file that holds less, or in
               // further buffers of a jumbo frame
inline constexpr std::uint32_t kHardwareTime = 1u << 11;  // `received` is the NIC's time
inline constexpr std::uint32_t kDriverTime = 1u << 12;    // `received` is the XDP program's
inline constexpr std::uint32_t kFlowHash = 1u << 13;      // flow_hash is the NIC's
}  // namespace flag

/// All numbers are in host byte order.
struct PacketRecord {
  HostTime received;  // when it arrived, in the configured clock: as the NIC or the XDP program
                      // stamped it where a flag says so, else when we read it from the ring;
                      // host_egress: when it left
  SwitchTime switch_time;  // Valinor-N: the original packet's ingress at the switch, 48 bits of ns
  FlowKey flow;
  std::uint64_t host_time_ns = 0;   // P4NetIntel int_host: time spent in the end host
  std::uint64_t host_requests = 0;  // P4NetIntel int_host: tx_reqs
  std::uint32_t packet_bytes =
      0;  // length of the packet on the wire, without FCS; of a copy: of its original
  std::uint32_t frame_bytes = 0;  // length of the received frame
  std::uint32_t enqueue = 0;      // Valinor-N: enqueue stamp of the copy, 18 bits
  std::uint32_t queue_delay = 0;  // Valinor-N: the original packet's time in the queue, ns
  std::uint32_t rpc_id = 0;
  std::uint32_t flow_hash = 0;  // host_egress: the kernel's hash of the flow; kFlowHash: the NIC's;
                                // valinor_entry: Valinor's key
  std::uint32_t mark = 0;       // host_egress: the packet's mark (SO_MARK, nftables)
  std::uint32_t flags = 0;      // of namespace flag
  std::uint32_t worker = 0;     // which worker received it, from 0
  std::int32_t ring_delay_ns = 0;  // from `received` until we read the ring: how long the host held
                                   // the packet. Longer than it can say: the most it can
  std::uint32_t received_bound_ns = 0;  // `received` is at most this far from the configured clock
  std::uint16_t hops_claimed = 0;       // number of traces that the packet carries
  std::uint16_t hop_count = 0;  // HopRecords that follow: hops_claimed, or max_hops if that is less
  Format format{};
  std::uint8_t layout = 0;  // P4NetIntel: COLLECT_SIZE 0..3
  std::array<std::uint8_t, 6> reserved{};
};
static_assert(sizeof(PacketRecord) == 128);  // two cache lines

/// Which fields of a HopRecord the packet carried; the others are 0.
namespace hop_field {
inline constexpr std::uint32_t kPorts = 1u << 0;
inline constexpr std::uint32_t kEnqueueTime = 1u << 1;  // enqueue_time and queue_delay
inline constexpr std::uint32_t kDequeueDepth = 1u << 2;
inline constexpr std::uint32_t kTimes = 1u << 3;   // ingress_time and egress_time
inline constexpr std::uint32_t kPacket = 1u << 4;  // packet_bytes, hop_latency and packet_count
inline constexpr std::uint32_t kPreviousTime = 1u << 5;
}  // namespace hop_field

/// One switch's view of the packet. Units are the switch's: P4NetIntel on BMv2 counts microseconds.
struct HopRecord {
  std::uint64_t ingress_time = 0;   // 48 bits
  std::uint64_t egress_time = 0;    // 48 bits
  std::uint64_t previous_time = 0;  // 48 bits: ingress of the previous packet on the egress port
  std::uint64_t packet_bytes = 0;
  std::uint64_t hop_latency = 0;
  std::uint64_t packet_count = 0;  // packets sent by the egress port, this one included
  std::uint32_t node_id = 0;
  std::uint32_t enqueue_time = 0;
  std::uint32_t queue_delay = 0;    // time between enqueue and dequeue
  std::uint32_t enqueue_depth = 0;  // packets in the queue when this one came
  std::uint32_t dequeue_depth = 0;  // and when it left
  std::uint32_t fields = 0;  // of namespace hop_field; node_id and enqueue_depth are always there
  std::uint16_t ingress_port = 0;
  std::uint16_t egress_port = 0;
  std::uint32_t reserved = 0;
};
static_assert(sizeof(HopRecord) == 80);

/// One entry of a RecordRing, for the time of a call. Hops stand newest first.
struct RecordView {
  const PacketRecord& packet;
  std::span<const HopRecord> hops;
};

}  // namespace valinor::telemetry
