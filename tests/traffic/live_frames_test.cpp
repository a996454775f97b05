/// The BPF program by BPF_PROG_RUN, a frame at a time: nothing is sent.
#include "traffic/live_frames.hpp"

#include <bpf/bpf.h>
#include <gtest/gtest.h>
#include <linux/bpf.h>
#include <unistd.h>

#include <algorithm>

#include "telemetry/format/p4netintel.hpp"

namespace valinor::traffic {
namespace {

using telemetry::Format;

constexpr std::size_t kSwitchTimeBytes = 6;

struct Made {
  std::uint32_t verdict;
  std::vector<std::byte> frame;
};

class LiveFramesTest : public testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "loading BPF programs needs root";
  }

  /// One run, in memory that holds something else.
  static Made run(const LiveFrames& live, std::size_t bytes) {
    const std::vector<std::byte> before(bytes, std::byte{0xa5});
    Made made{.verdict = 0, .frame = std::vector<std::byte>(bytes)};
    bpf_test_run_opts options{};
    options.sz = sizeof options;
    options.data_in = before.data();
    options.data_out = made.frame.data();
    options.data_size_in = options.data_size_out = static_cast<std::uint32_t>(bytes);
    options.repeat = 1;
    EXPECT_EQ(::bpf_prog_test_run_opts(live.fd(), &options), 0);
    made.verdict = options.retval;
    return made;
  }

  /// The verdicts of so many runs.
  static std::vector<std::uint32_t> verdicts(const LiveFramesConfig& config, std::size_t runs) {
    const FrameTemplates frames{{.hops = 1}};
    const LiveFrames live{frames, config};
    std::vector<std::uint32_t> found;
    for (std::size_t i = 0; i < runs; ++i) {
      found.push_back(run(live, frames.frame_bytes()).verdict);
    }
    EXPECT_EQ(live.made(), std::count(found.begin(), found.end(), XDP_REDIRECT));
    return found;
  }

  static constexpr InterfaceIndex kLoopback{1};
};

TEST_F(LiveFramesTest, P4NetIntelFramesAreThoseThatOthersSend) {
  for (const FrameConfig& config : {FrameConfig{.hops = 3, .flows = 5, .payload_bytes = 7},
                                    FrameConfig{.hops = 18, .int_host = true, .payload_bytes = 0},
                                    FrameConfig{.hops = 0, .flows = 2}}) {
    const FrameTemplates frames{config};
    const LiveFrames live{frames, {.interface = kLoopback}};
    std::vector<std::byte> expected(frames.frame_bytes());
    for (std::uint64_t number = 0; number < 12; ++number) {
      frames.write(number, 0, expected);
      const Made made = run(live, frames.frame_bytes());
      EXPECT_EQ(made.verdict, XDP_REDIRECT);
      EXPECT_EQ(made.frame, expected) << number;
    }
  }
}

TEST_F(LiveFramesTest, ValinorNFramesDifferByTheirTime) {
  const FrameTemplates frames{{.format = Format::valinor_n, .flows = 3, .payload_bytes = 11}};
  const LiveFrames live{frames, {.interface = kLoopback}};
  const std::size_t at = frames.offsets().switch_time;
  std::uint64_t before = 0;
  for (std::uint64_t number = 0; number < 6; ++number) {
    const Made made = run(live, frames.frame_bytes());
    const std::uint64_t time = wire::load_be<kSwitchTimeBytes>(made.frame.data() + at);
    if (number == 0) {
      EXPECT_EQ(time, 0U);
    } else {
      EXPECT_GT(time, before);
    }
    before = time;
    std::vector<std::byte> expected(frames.frame_bytes());
    frames.write(number, time, expected);
    EXPECT_EQ(made.frame, expected) << number;
  }
}

TEST_F(LiveFramesTest, WhatIsNotDueIsNotSent) {
  const PatternConfig one_a_second{.packets_per_second = 1};
  EXPECT_EQ(verdicts({.interface = kLoopback, .pattern = one_a_second}, 3),
            (std::vector<std::uint32_t>{XDP_REDIRECT, XDP_DROP, XDP_DROP}));
}

TEST_F(LiveFramesTest, AnIncastIsDueAtOnce) {
  const PatternConfig incast{.pattern = Pattern::incast, .packets_per_second = 1, .burst = 3};
  EXPECT_EQ(
      verdicts({.interface = kLoopback, .pattern = incast}, 5),
      (std::vector<std::uint32_t>{XDP_REDIRECT, XDP_REDIRECT, XDP_REDIRECT, XDP_DROP, XDP_DROP}));
}

TEST_F(LiveFramesTest, NoMoreThanWereAskedForAreSent) {
  EXPECT_EQ(verdicts({.interface = kLoopback, .count = 2}, 4),
            (std::vector<std::uint32_t>{XDP_REDIRECT, XDP_REDIRECT, XDP_DROP, XDP_DROP}));
}

TEST_F(LiveFramesTest, UnnumberedFramesStayAsTheyAre) {
  const FrameTemplates frames{{.hops = 3}};
  const LiveFrames live{frames, {.interface = kLoopback, .numbered = false}};
  const Made made = run(live, frames.frame_bytes());
  EXPECT_EQ(made.verdict, XDP_REDIRECT);
  EXPECT_EQ(made.frame, std::vector<std::byte>(frames.frame_bytes(), std::byte{0xa5}));
  EXPECT_EQ(live.made(), 1U);
}

}  // namespace
}  // namespace valinor::traffic
