#include "exporter/valinor_entry.hpp"

#include <gtest/gtest.h>

#include "record_samples.hpp"

namespace valinor::exporter {
namespace {

std::string to_hex(const ValinorRow& row) {
  std::string hex;
  for (const std::byte byte : row) {
    constexpr char kDigits[] = "0123456789abcdef";
    hex += kDigits[std::to_integer<int>(byte) >> 4];
    hex += kDigits[std::to_integer<int>(byte) & 15];
  }
  return hex;
}

TEST(ValinorEntry, TheDocumentedExample) {
  EXPECT_EQ(to_hex(to_row(to_entry(test::valinor_record(), {}))),
            "000000003b9aca7b000012340000162e009aa09119860a0000010a00000213890050");
}

TEST(ValinorEntry, UnknownLengthIsWrittenAsValinorDoes) {
  telemetry::PacketRecord record = test::valinor_record();
  record.packet_bytes = 0;
  record.flags |= telemetry::flag::kLengthUnknown;
  EXPECT_EQ(to_entry(record, {}).packet_length, 0xFFFC);
}

TEST(ValinorEntry, LengthStopsAtItsLargest) {
  telemetry::PacketRecord record = test::valinor_record();
  record.packet_bytes = 65'536;
  EXPECT_EQ(to_entry(record, {}).packet_length, 65'535);
}

telemetry::PacketRecord p4netintel_record() {
  telemetry::PacketRecord record = test::valinor_record();
  record.format = telemetry::Format::p4netintel;
  record.flags = 0;
  record.received = HostTime{Nanos{1'700'000'000'000'000'321}};
  return record;
}

TEST(ValinorEntry, P4NetIntelTakesHostTimeAndTheNewestHop) {
  telemetry::HopRecord hops[2];
  hops[0].fields = telemetry::hop_field::kEnqueueTime;
  hops[0].enqueue_time = 11;
  hops[0].enqueue_depth = 12;
  hops[0].queue_delay = 13;
  hops[1].enqueue_time = 99;
  const ValinorEntry entry = to_entry(p4netintel_record(), hops);
  EXPECT_EQ(entry.timestamp_ns, 1'700'000'000'000'000'321u);
  EXPECT_EQ(entry.enqueue, 11u);
  EXPECT_EQ(entry.enqueue_delta_ns, 13u);
  EXPECT_EQ(entry.packet_length, 154);
}

TEST(ValinorEntry, TheSwitchsTimeGivesWayToTheArrivalWhereThatIsAskedFor) {
  telemetry::PacketRecord record = test::valinor_record();
  record.received = HostTime{Nanos{1'700'000'000'000'000'321}};
  EXPECT_EQ(to_entry(record, {}).timestamp_ns,
            static_cast<std::uint64_t>(record.switch_time.since_epoch.count()));
  EXPECT_EQ(to_entry(record, {}, RecordTime::arrival).timestamp_ns, 1'700'000'000'000'000'321u);
}

TEST(ValinorEntry, ALayoutWithoutTimesGivesItsQueueDepth) {
  telemetry::HopRecord hop;
  hop.enqueue_depth = 0x5A5A5;
  const ValinorEntry entry = to_entry(p4netintel_record(), {&hop, 1});
  EXPECT_EQ(entry.enqueue, 0x5A5A5u);
  EXPECT_EQ(entry.enqueue_delta_ns, 0u);
}

TEST(ValinorEntry, WithoutHopsTheQueueIsZero) {
  const ValinorEntry entry = to_entry(p4netintel_record(), {});
  EXPECT_EQ(entry.enqueue, 0u);
  EXPECT_EQ(entry.enqueue_delta_ns, 0u);
}

}  // namespace
}  // namespace valinor::exporter
