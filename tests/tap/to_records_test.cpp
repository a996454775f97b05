#include "tap/to_records.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace valinor::tap {
namespace {

std::vector<telemetry::PacketRecord> convert(const valinor_tap_packet& packet,
                                             Nanos offset = Nanos{0}) {
  telemetry::RecordRing ring{1 << 20};
  TapStats stats;
  to_records(packet, offset, 3, ring, stats);
  ring.publish();
  std::vector<telemetry::PacketRecord> records;
  ring.read([&](const telemetry::RecordView& view) {
    records.push_back(view.packet);
    return true;
  });
  EXPECT_EQ(stats.records.value(), records.size());
  return records;
}

valinor_tap_packet plain() {
  valinor_tap_packet packet{};
  packet.time_ns = 1000;
  packet.packet_bytes = 60;
  packet.segments = 1;
  packet.flow_hash = 0xabc;
  packet.mark = 5;
  packet.source_port = 1;
  packet.destination_port = 2;
  packet.protocol = 17;
  packet.source[15] = 9;
  return packet;
}

TEST(ToRecords, APacketIsOneRecord) {
  const auto records = convert(plain(), Nanos{5'000'000'000});
  ASSERT_EQ(records.size(), 1U);
  const telemetry::PacketRecord& record = records[0];
  EXPECT_EQ(record.format, telemetry::Format::host_egress);
  EXPECT_EQ(record.received.since_epoch, Nanos{5'000'001'000});
  EXPECT_EQ(record.packet_bytes, 60U);
  EXPECT_EQ(record.flow_hash, 0xabcU);
  EXPECT_EQ(record.mark, 5U);
  EXPECT_EQ(record.flow.source_port, 1);
  EXPECT_EQ(record.flow.destination_port, 2);
  EXPECT_EQ(record.flow.protocol, 17);
  EXPECT_EQ(record.flow.source[15], std::byte{9});
  EXPECT_EQ(record.worker, 3U);
  EXPECT_EQ(record.flags, 0U);
}

TEST(ToRecords, ASuperPacketIsOneForEachSegment) {
  valinor_tap_packet packet = plain();
  packet.header_bytes = 66;
  packet.segment_payload = 1448;
  packet.segments = 3;
  packet.packet_bytes = 66 + 2 * 1448 + 100;
  const auto records = convert(packet);
  ASSERT_EQ(records.size(), 3U);
  EXPECT_EQ(records[0].packet_bytes, 1514U);
  EXPECT_EQ(records[1].packet_bytes, 1514U);
  EXPECT_EQ(records[2].packet_bytes, 166U);
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(records[i].received.since_epoch, Nanos{1000} + Nanos{i});
    EXPECT_EQ(records[i].flags, telemetry::flag::kGsoSegment);
  }
}

TEST(ToRecords, BytesAddUpEvenIfSegmentsDoNotFit) {
  valinor_tap_packet packet = plain();
  packet.segments = 4;
  packet.header_bytes = 50;
  packet.segment_payload = 1000;
  for (const std::uint32_t bytes : {10U, 50U, 1050U, 1051U, 4050U, 9000U}) {
    packet.packet_bytes = bytes;
    std::uint64_t sum = 0;
    for (const auto& record : convert(packet)) sum += record.packet_bytes;
    EXPECT_EQ(sum, bytes + 3U * std::min(bytes, 50U)) << bytes;
  }
}

TEST(ToRecords, AFullRingIsCounted) {
  telemetry::RecordRing ring{4096};
  TapStats stats;
  valinor_tap_packet packet = plain();
  packet.segments = 100;
  to_records(packet, Nanos{0}, 0, ring, stats);
  const std::uint64_t fit = ring.capacity() / sizeof(telemetry::PacketRecord);
  EXPECT_EQ(stats.records.value(), 100U);
  EXPECT_EQ(stats.records_ring_full.value(), 100 - fit);
}

}  // namespace
}  // namespace valinor::tap
