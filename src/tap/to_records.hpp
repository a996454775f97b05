/// From what the BPF program wrote to what is published: one record for each packet that leaves.
#pragma once

#include <cstdint>

#include "base/counter.hpp"
#include "base/time.hpp"
#include "bpf/abi.h"
#include "telemetry/record_losses.hpp"
#include "telemetry/record_ring.hpp"

namespace valinor::tap {

/// Of the thread that reads the ring buffers; any may look.
struct TapStats {
  Counter records;                 // made: one for each packet
  Counter records_ring_full;       // ... and lost, because the exporter was behind
  Counter bytes;                   // of the packets in `records`, as on the wire without FCS
  telemetry::RecordLosses losses;  // when the ring was full; to be read once the thread has ended
};

/// Commits a record for each segment of `packet`; publishing is the caller's. The segments of one
/// super-packet get times 1 ns apart: the NIC or the driver cuts it after the program saw it, so
/// that their true times are unknown, but with equal ones a sorted set would keep one of them.
void to_records(const valinor_tap_packet& packet, Nanos offset, std::uint32_t worker,
                telemetry::RecordRing& records, TapStats& stats) noexcept;

}  // namespace valinor::tap
