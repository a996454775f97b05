#include "measure/decode_trial.hpp"

#include <gtest/gtest.h>

#include <initializer_list>

namespace valinor::measure {
namespace {

using telemetry::Format;
using telemetry::p4netintel::Layout;

TEST(DecodeTrial, EveryLayoutSaysWhatTheGeneratorMeant) {
  for (const Layout layout :
       {Layout::discrete, Layout::depth_only, Layout::standard, Layout::full}) {
    for (const std::uint16_t hops : std::initializer_list<std::uint16_t>{0, 1, 3, 20, 64}) {
      for (const bool int_host : {false, true}) {
        DecodeTrial trial{{.layout = layout, .hops = hops, .int_host = int_host, .flows = 70}};
        EXPECT_EQ(trial.find_mistake(), "") << static_cast<int>(layout) << " " << hops;
      }
    }
  }
}

TEST(DecodeTrial, ValinorNAsWell) {
  DecodeTrial trial{{.format = Format::valinor_n, .hops = 0, .flows = 100'000, .payload_bytes = 9}};
  EXPECT_EQ(trial.find_mistake(), "");
  EXPECT_GT(trial.frame_bytes(), 60U);
}

TEST(DecodeTrial, CountsTicksAndTime) {
  DecodeTrial trial{{.hops = 3}};
  const DecodeResult result = trial.run(std::chrono::milliseconds{1});
  EXPECT_GT(result.ns_per_packet, 0);
  EXPECT_GT(result.ticks_per_packet, 0);
}

}  // namespace
}  // namespace valinor::measure
