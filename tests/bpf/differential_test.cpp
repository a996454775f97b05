/// The XDP program and wire::Match get the same frames and must say the same.
#include <gtest/gtest.h>
#include <linux/bpf.h>
#include <unistd.h>

#include <random>

#include "bpf/frames.hpp"
#include "bpf/program_run.hpp"
#include "wire/match.hpp"

namespace valinor {
namespace {

using test::Frame;
using wire::MatchRules;

class Differential : public testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "loading BPF programs needs root";
  }

  void compare(test::ProgramRun& program, const wire::Match& match, const Frame& frame) {
    const auto verdict = program.run(frame);
    const auto decision = match.decide(frame);
    ++compared_;
    ++seen_[static_cast<std::size_t>(decision)];
    ASSERT_EQ(verdict.decision, static_cast<std::uint32_t>(decision))
        << testing::PrintToString(frame);
    ASSERT_EQ(verdict.action == XDP_REDIRECT, is_telemetry(decision));
  }

  std::size_t compared_ = 0;
  std::size_t seen_[static_cast<std::size_t>(wire::Decision::count_)] = {};
};

TEST_F(Differential, FramesCutAtEveryByte) {
  for (const MatchRules& rules : test::rule_sets()) {
    test::ProgramRun program{rules};
    const wire::Match match{rules};
    for (Frame frame : test::seed_frames()) {
      for (; frame.size() >= test::kShortest; frame.pop_back()) {
        ASSERT_NO_FATAL_FAILURE(compare(program, match, frame));
      }
    }
  }
  RecordProperty("compared", static_cast<int>(compared_));
}

TEST_F(Differential, TwoHundredThousandMutatedFrames) {
  std::mt19937 random{20240607};
  const auto frames = test::seed_frames();
  for (const MatchRules& rules : test::rule_sets()) {
    test::ProgramRun program{rules};
    const wire::Match match{rules};
    for (int i = 0; i < 40'000; ++i) {
      Frame frame = frames[random() % frames.size()];
      test::mutate(frame, random);
      ASSERT_NO_FATAL_FAILURE(compare(program, match, frame));
    }
    for (int i = 0; i < 4'000; ++i) {  // and noise
      Frame frame(test::kShortest + random() % 90);
      for (std::byte& byte : frame) byte = static_cast<std::byte>(random());
      ASSERT_NO_FATAL_FAILURE(compare(program, match, frame));
    }
  }
  EXPECT_GE(compared_, 200'000U);
  // Equality proves nothing about an answer that never came up.
  for (const std::size_t count : seen_) EXPECT_GT(count, 1000U);
}

}  // namespace
}  // namespace valinor
