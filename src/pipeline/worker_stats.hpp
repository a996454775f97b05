/// What one worker counts. Written by its thread, read by any.
#pragma once

#include <array>

#include "base/counter.hpp"
#include "base/drop_reason.hpp"

namespace valinor::pipeline {

/// A counter for each DropReason.
using ReasonCounters = std::array<Counter, kDropReasons>;

/// Every frame received ends in exactly one of transmitted, consumed, passed and the drops.
struct WorkerStats {
  Counter received;
  Counter received_bytes;
  Counter transmitted;  // taken by a port; what becomes of them there, the port counts
  Counter consumed;     // record taken, frame done with
  Counter passed;       // not telemetry, by a port that does not filter: the stack would get it
  ReasonCounters dropped;

  // The rest says more of the same frames.
  ReasonCounters malformed;  // broken telemetry that a two-sided role passed on untouched

  Counter records;            // decoded, and those of a request and its reply
  Counter records_ring_full;  // ... and lost, because the exporter was behind
  Counter hops;               // HopRecords in them
  Counter hops_cut;           // hops beyond max_hops
  Counter host_pairs;         // records of a request and its reply
  Counter monitor_copies;
  Counter host_little_endian;
  Counter bursts;  // turns that received something
};

}  // namespace valinor::pipeline
