/// Frames and rules that are worth trying on whatever decides which frames are telemetry.
#pragma once

#include <cstddef>
#include <random>
#include <vector>

#include "support/packet_builder.hpp"
#include "wire/match.hpp"

namespace valinor::test {

/// The shortest frame that BPF_PROG_TEST_RUN takes, bytes.
inline constexpr std::size_t kShortest = 14;

/// Whole frames: each kind of link, network and transport layer that the rules know of.
[[nodiscard]] std::vector<Frame> seed_frames();

/// From no rule at all to as many as the kernel's table holds.
[[nodiscard]] std::vector<wire::MatchRules> rule_sets();

/// A few bytes changed, mostly in the headers, and often an end cut off; never below kShortest.
void mutate(Frame& frame, std::mt19937& random);

}  // namespace valinor::test
