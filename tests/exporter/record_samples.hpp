/// Records for the exporter's tests.
#pragma once

#include <cstddef>
#include <cstdint>

#include "exporter/exporter.hpp"
#include "telemetry/record.hpp"
#include "telemetry/record_ring.hpp"

namespace valinor::exporter::test {

/// ::ffff:a.b.c.d
inline std::array<std::byte, 16> ipv4(std::uint32_t address) {
  std::array<std::byte, 16> bytes{};
  bytes[10] = bytes[11] = std::byte{0xFF};
  for (std::size_t i = 0; i < 4; ++i) {
    bytes[12 + i] = static_cast<std::byte>((address >> (24 - 8 * i)) & 0xFF);
  }
  return bytes;
}

/// The record behind the documented example: 10.0.0.1:5001 -> 10.0.0.2:80, TCP.
inline telemetry::PacketRecord valinor_record(std::uint64_t time_ns = 1'000'000'123) {
  telemetry::PacketRecord record;
  record.format = telemetry::Format::valinor_n;
  record.flags = telemetry::flag::kSwitchTime;
  record.switch_time = SwitchTime{Nanos{static_cast<std::int64_t>(time_ns)}};
  record.flow = {.source = ipv4(0x0a000001),
                 .destination = ipv4(0x0a000002),
                 .source_port = 5001,
                 .destination_port = 80,
                 .protocol = 6};
  record.packet_bytes = 154;
  record.enqueue = 0x1234;
  record.queue_delay = 5678;
  return record;
}

/// Puts a record of its own time for each of [first, first + count) into the ring and shows each
/// at once. Answers how many the ring took.
inline std::size_t produce(telemetry::RecordRing& ring, std::uint64_t first, std::size_t count) {
  std::size_t taken = 0;
  for (std::size_t i = 0; i < count; ++i) {
    const telemetry::RecordSlot slot = ring.reserve(0);
    if (slot.packet == nullptr) break;
    *slot.packet = valinor_record(first + i);
    ring.commit(slot);
    ring.publish();
    ++taken;
  }
  return taken;
}

/// As produce(), but waits for room: all of them.
inline void produce_all(telemetry::RecordRing& ring, std::uint64_t first, std::size_t count) {
  for (std::size_t done = 0; done < count; std::this_thread::yield()) {
    done += produce(ring, first + done, count - done);
  }
}

/// Waits until `condition` holds. Counters have no event to wait for; the limit only keeps a
/// broken test from hanging.
template <class Condition>
[[nodiscard]] bool eventually(Condition&& condition) {
  const auto limit = Exporter::Clock::now() + std::chrono::seconds{30};
  while (!condition()) {
    if (Exporter::Clock::now() > limit) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds{1});
  }
  return true;
}

/// Time to stop in: never used up where all is well.
inline Exporter::Clock::time_point soon() {
  return Exporter::Clock::now() + std::chrono::seconds{30};
}

}  // namespace valinor::exporter::test
