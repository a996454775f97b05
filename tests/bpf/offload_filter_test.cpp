/// The filter for the NIC, run in the kernel: it never drops what wire::Match calls telemetry, and
/// does drop what a NIC can tell is none.
#include "packet_io/afxdp/offload_filter.hpp"

#include <bpf/bpf.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>
#include <random>

#include "base/failure.hpp"
#include "base/unique_fd.hpp"
#include "bpf/frames.hpp"
#include "bpf/program_run.hpp"
#include "wire/headers.hpp"
#include "wire/match.hpp"
#include "wire/packet.hpp"

namespace valinor {
namespace {

using test::Frame;
using wire::Decision;
using wire::MatchRules;

/// The filter, loaded for the host: the same instructions as for a NIC.
class Filter {
 public:
  explicit Filter(const MatchRules& rules, std::uint32_t sample = 0) {
    const auto code = packet_io::afxdp::make_offload_filter(rules, sample);
    fd_ = UniqueFd{::bpf_prog_load(BPF_PROG_TYPE_XDP, "valinor_filter", "Dual MIT/GPL", code.data(),
                                   code.size(), nullptr)};
    if (!fd_) throw_errno("load the filter");
  }

  /// XDP_PASS or XDP_DROP.
  [[nodiscard]] std::uint32_t run(const Frame& frame) const {
    return test::run_xdp(fd_.get(), frame);
  }

 private:
  UniqueFd fd_;
};

class OffloadFilter : public testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "loading BPF programs needs root";
  }
};

/// IPv6 with extension headers is not looked into by the NIC.
bool is_behind_extensions(const Frame& frame) {
  const auto link = wire::parse_link(frame);
  if (!link || link->ethertype != wire::ethertype::kIpv6) return false;
  if (frame.size() < link->bytes + sizeof(wire::Ipv6Header)) return false;
  const auto next = std::to_integer<int>(frame[link->bytes + 6U]);
  return next == 0 || next == 43 || next == 44 || next == 60;
}

TEST_F(OffloadFilter, KeepsWhateverMayBeTelemetryAndDropsTheRest) {
  std::mt19937 random{20250311};
  const auto frames = test::seed_frames();
  std::size_t kept = 0, dropped = 0;
  for (const MatchRules& rules : test::rule_sets()) {
    const Filter filter{rules};
    const wire::Match match{rules};
    for (int i = 0; i < 40'000; ++i) {
      Frame frame = frames[random() % frames.size()];
      if (i % 4 != 0) test::mutate(frame, random);
      const Decision decision = match.decide(frame);
      const std::uint32_t action = filter.run(frame);
      if (decision != Decision::not_telemetry) {
        ASSERT_EQ(action, std::uint32_t{XDP_PASS}) << testing::PrintToString(frame);
        ++kept;
      } else if (!is_behind_extensions(frame)) {
        ASSERT_EQ(action, std::uint32_t{XDP_DROP}) << testing::PrintToString(frame);
        ++dropped;
      }
    }
  }
  EXPECT_GT(kept, 10'000U);
  EXPECT_GT(dropped, 10'000U);
}

TEST_F(OffloadFilter, KeepsOneInSoManyOfTheRest) {
  const Frame arp = test::PacketBuilder{}.ethernet().ethertype(0x0806).payload(46).build();
  const Frame telemetry = test::PacketBuilder{}.ethernet().ethertype(0x1212).payload(46).build();
  for (const std::uint32_t sample : {2U, 10U, 100U}) {
    const Filter filter{MatchRules{}, sample};
    constexpr std::uint32_t kFrames = 50'000;
    std::uint32_t kept = 0;
    for (std::uint32_t i = 0; i < kFrames; ++i) {
      if (filter.run(arp) == XDP_PASS) ++kept;
      ASSERT_EQ(filter.run(telemetry), std::uint32_t{XDP_PASS});
    }
    // Six standard deviations of a binomial distribution, and more.
    const double expected = double{kFrames} / sample;
    EXPECT_NEAR(kept, expected, 6 * std::sqrt(expected));
  }
}

}  // namespace
}  // namespace valinor
