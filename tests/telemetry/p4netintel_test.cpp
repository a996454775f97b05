#include "telemetry/format/p4netintel.hpp"

#include <gtest/gtest.h>

#include <cstring>
#include <random>

#include "support/golden.hpp"

namespace valinor::telemetry::p4netintel {
namespace {

constexpr std::array kLayoutsToTest{Layout::discrete, Layout::depth_only, Layout::standard,
                                    Layout::full};

bool same(const HopRecord& a, const HopRecord& b) { return std::memcmp(&a, &b, sizeof a) == 0; }

/// The published layouts as a table of (first bit, bits), read one bit at a time: slow, and as
/// plain as the specification.
struct Field {
  std::uint64_t (*get)(const HopRecord&);
  unsigned first, bits;
};

std::vector<Field> fields_of(Layout layout) {
#define VALINOR_FIELD(name, first, bits)                                        \
  {                                                                             \
    [](const HopRecord& hop) -> std::uint64_t { return hop.name; }, first, bits \
  }
  switch (layout) {
    case Layout::discrete:
      return {VALINOR_FIELD(node_id, 0, 8),        VALINOR_FIELD(ingress_port, 8, 9),
              VALINOR_FIELD(egress_port, 17, 9),   VALINOR_FIELD(enqueue_time, 26, 32),
              VALINOR_FIELD(enqueue_depth, 58, 2), VALINOR_FIELD(queue_delay, 60, 32),
              VALINOR_FIELD(dequeue_depth, 92, 2), VALINOR_FIELD(previous_time, 34 * 8, 48)};
    case Layout::depth_only:
      return {VALINOR_FIELD(node_id, 0, 32), VALINOR_FIELD(enqueue_depth, 32, 19)};
    case Layout::standard:
    case Layout::full: {
      std::vector<Field> fields{
          VALINOR_FIELD(node_id, 0, 32),         VALINOR_FIELD(ingress_port, 32, 9),
          VALINOR_FIELD(egress_port, 41, 9),     VALINOR_FIELD(enqueue_time, 50, 32),
          VALINOR_FIELD(enqueue_depth, 82, 19),  VALINOR_FIELD(queue_delay, 101, 32),
          VALINOR_FIELD(dequeue_depth, 133, 19), VALINOR_FIELD(ingress_time, 152, 48),
          VALINOR_FIELD(egress_time, 200, 48)};
      if (layout == Layout::full) {
        fields.insert(
            fields.end(),
            {VALINOR_FIELD(packet_bytes, 248, 64), VALINOR_FIELD(hop_latency, 312, 64),
             VALINOR_FIELD(packet_count, 440, 64), VALINOR_FIELD(previous_time, 504, 48)});
      }
      return fields;
    }
  }
#undef VALINOR_FIELD
  return {};
}

std::uint64_t read_bits(const std::vector<std::byte>& bytes, unsigned first, unsigned count) {
  std::uint64_t value = 0;
  for (unsigned bit = first; bit < first + count; ++bit) {
    value = value << 1 | (std::to_integer<std::uint64_t>(bytes[bit / 8]) >> (7 - bit % 8) & 1);
  }
  return value;
}

TEST(P4NetIntel, DecodesRandomTracesAsTheTableOfBitsSays) {
  std::mt19937 random{3};
  for (const Layout layout : kLayoutsToTest) {
    for (int round = 0; round < 2000; ++round) {
      std::vector<std::byte> trace(trace_bytes(layout));
      for (auto& byte : trace) byte = static_cast<std::byte>(random());
      HopRecord hop;
      decode_trace(layout, trace.data(), hop);
      for (const Field& field : fields_of(layout)) {
        ASSERT_EQ(field.get(hop), read_bits(trace, field.first, field.bits))
            << "COLLECT_SIZE " << static_cast<int>(layout) << " bit " << field.first;
      }
    }
  }
}

TEST(P4NetIntel, EncodingInvertsDecoding) {
  std::mt19937 random{4};
  for (const Layout layout : kLayoutsToTest) {
    for (int round = 0; round < 500; ++round) {
      std::vector<std::byte> trace(trace_bytes(layout));
      for (auto& byte : trace) byte = static_cast<std::byte>(random());
      HopRecord hop, again;
      decode_trace(layout, trace.data(), hop);
      encode_trace(layout, hop, kNextIsTrace, trace.data());
      decode_trace(layout, trace.data(), again);
      ASSERT_TRUE(same(hop, again));
      ASSERT_EQ(wire::load_be<2>(trace.data() + trace.size() - 2), kNextIsTrace);
    }
  }
}

TEST(P4NetIntel, WorkedExamplesOfTheSpecification) {
  HopRecord hop;
  hop.node_id = 0xa1;
  hop.ingress_port = 0x155;
  hop.egress_port = 0x0aa;
  hop.enqueue_time = 0x01020304;
  hop.enqueue_depth = 0x5a5a5;
  hop.queue_delay = 0x0a0b0c0d;
  hop.dequeue_depth = 0x2c3d4;
  hop.ingress_time = 0x112233445566;
  hop.egress_time = 0x1122334455aa;
  hop.packet_bytes = 0x64;
  hop.hop_latency = 0x44;
  hop.packet_count = 7;
  hop.previous_time = 0x112233440000;
  const auto encoded = [&](Layout layout) {
    std::vector<std::byte> trace(trace_bytes(layout));
    encode_trace(layout, hop, kNextIsTrace, trace.data());
    return trace;
  };
  EXPECT_EQ(encoded(Layout::depth_only), test::from_hex("000000a1b4b4a01213"));
  EXPECT_EQ(encoded(Layout::full),
            test::from_hex("000000a1aaaa804080c12d2d285058606ac3d41122334455661122334455aa"
                           "0000000000000064 0000000000000044 0000000000000000 0000000000000007"
                           "112233440000 00 1213"));
  hop.egress_time = hop.ingress_time;  // this layout's switches copy it
  EXPECT_EQ(
      encoded(Layout::standard),
      test::from_hex("000000a1aaaa804080c12d2d285058606ac3d41122334455661122334455660000001213"));
  hop.enqueue_depth = 1;  // constants in the published switch program
  hop.dequeue_depth = 2;
  auto discrete = encoded(Layout::discrete);
  discrete[11] |= std::byte{3};  // int_field_1 = 3, which no record keeps
  EXPECT_EQ(discrete, test::from_hex("a1aaaa804080c110a0b0c0db0000000000000000000000000000000000000"
                                     "0000000112233440000001213"));
}

}  // namespace
}  // namespace valinor::telemetry::p4netintel
