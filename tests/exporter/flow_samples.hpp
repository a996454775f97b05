/// Records of many flows, for tests of shards.
#pragma once

#include "record_samples.hpp"

namespace valinor::exporter::test {

inline telemetry::PacketRecord record_of_flow(std::uint16_t port, std::uint64_t time_ns) {
  telemetry::PacketRecord record = valinor_record(time_ns);
  record.flow.source_port = port;
  return record;
}

/// As produce_all(), of 1000 flows in turn.
inline void produce_flows(telemetry::RecordRing& ring, std::uint64_t first, std::size_t count) {
  for (std::size_t done = 0; done < count;) {
    const telemetry::RecordSlot slot = ring.reserve(0);
    if (slot.packet == nullptr) {
      std::this_thread::yield();
      continue;
    }
    *slot.packet = record_of_flow(static_cast<std::uint16_t>(done % 1000), first + done);
    ring.commit(slot);
    ring.publish();
    ++done;
  }
}

}  // namespace valinor::exporter::test
