#include "traffic/departures.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <vector>

#include "traffic/pacer.hpp"

namespace valinor::traffic {
namespace {

constexpr std::uint64_t kRate = 1'000'000;
constexpr std::size_t kPackets = 2'000'000;

std::vector<Nanos> draw(const PatternConfig& config, std::size_t packets = kPackets) {
  Departures departures{config};
  std::vector<Nanos> times(packets);
  for (Nanos& time : times) time = departures.next();
  return times;
}

/// Packets in each of the windows that lie one after the other.
std::vector<double> counts(const std::vector<Nanos>& times, Nanos window) {
  std::vector<double> found(static_cast<std::size_t>(times.back() / window));
  for (const Nanos time : times) {
    const auto index = static_cast<std::size_t>(time / window);
    if (index < found.size()) ++found[index];
  }
  return found;
}

double variance(const std::vector<double>& values) {
  double sum = 0;
  double squares = 0;
  for (const double value : values) {
    sum += value;
    squares += value * value;
  }
  const auto count = static_cast<double>(values.size());
  return squares / count - sum / count * (sum / count);
}

/// By the variance of the number of packets in windows that differ by `factor`: it grows with the
/// window to the power of 2 H.
double hurst(const std::vector<Nanos>& times, Nanos window, int factor) {
  return std::log(variance(counts(times, window * factor)) / variance(counts(times, window))) /
         (2 * std::log(factor));
}

TEST(Departures, ConstantIsExactForDays) {
  EXPECT_EQ(draw({.packets_per_second = 4}, 5),
            (std::vector<Nanos>{Nanos{0}, Nanos{250'000'000}, Nanos{500'000'000},
                                Nanos{750'000'000}, Nanos{1'000'000'000}}));
  constexpr std::int64_t kMonth = 86'400ll * 30;
  EXPECT_EQ(departure_at(3'000'000, 3'000'000ull * kMonth), Nanos{kMonth * 1'000'000'000});
}

TEST(Departures, PacketsBeforeATimeAreThoseThatLeaveBeforeIt) {
  EXPECT_EQ(packets_before(1000, Nanos{0}), 0U);
  EXPECT_EQ(packets_before(1000, Nanos{1}), 1U);
  EXPECT_EQ(packets_before(1000, Nanos{1'000'000}), 1U);
  EXPECT_EQ(packets_before(1000, Nanos{1'000'001}), 2U);
  EXPECT_EQ(packets_before(3, Nanos{86'400'000'000'000}), 3U * 86'400);
  for (const std::uint64_t number : {1u, 2u, 5u, 7'000'001u}) {
    const Nanos time = departure_at(7, number);
    EXPECT_EQ(packets_before(7, time + Nanos{1}), number + 1);
    EXPECT_EQ(packets_before(7, time), number);
  }
}

TEST(Departures, IncastSendsAllOfABurstAtOnce) {
  const auto times = draw({.pattern = Pattern::incast, .packets_per_second = 1000, .burst = 8}, 24);
  for (std::size_t i = 0; i < times.size(); ++i) {
    EXPECT_EQ(times[i], Nanos{static_cast<std::int64_t>(i / 8) * 8'000'000}) << i;
  }
}

TEST(Departures, EachPatternKeepsItsRateAndItsOrder) {
  for (const Pattern pattern : {Pattern::constant, Pattern::poisson, Pattern::incast}) {
    const auto times = draw({.pattern = pattern, .packets_per_second = kRate});
    EXPECT_TRUE(std::is_sorted(times.begin(), times.end()));
    EXPECT_NEAR(static_cast<double>(times.back().count()), 2e9, 2e9 * 0.005);
  }
  // Heavy tails: the mean is slow to show, the slower the higher the Hurst parameter.
  const auto times =
      draw({.pattern = Pattern::on_off, .packets_per_second = kRate, .burst = 16, .hurst = 0.6});
  EXPECT_TRUE(std::is_sorted(times.begin(), times.end()));
  EXPECT_NEAR(static_cast<double>(times.back().count()), 2e9, 2e9 * 0.1);
}

TEST(Departures, PoissonHasTheVarianceOfItsMeanAndNoMemory) {
  const auto times = draw({.pattern = Pattern::poisson, .packets_per_second = kRate});
  const Nanos window{100'000};
  EXPECT_NEAR(variance(counts(times, window)), 100, 5);
  EXPECT_NEAR(hurst(times, window, 16), 0.5, 0.05);
}

TEST(Departures, OnOffHasItsHurstParameterAndItsPeak) {
  for (const double wanted : {0.6, 0.75, 0.9}) {
    const PatternConfig config{.pattern = Pattern::on_off,
                               .packets_per_second = kRate,
                               .burst = 8,
                               .peak = 4,
                               .hurst = wanted};
    const auto times = draw(config);
    // From well above the bursts' mean of 2 us on.
    EXPECT_NEAR(hurst(times, Nanos{200'000}, 32), wanted, 0.1);
    for (std::size_t i = 1; i < times.size(); ++i) {
      ASSERT_GE((times[i] - times[i - 1]).count(), 249) << i;
    }
  }
}

TEST(Departures, TheSameSeedGivesTheSameTimes) {
  PatternConfig config{.pattern = Pattern::on_off, .packets_per_second = kRate, .seed = 7};
  const auto times = draw(config, 1000);
  EXPECT_EQ(draw(config, 1000), times);
  config.seed = 8;
  EXPECT_NE(draw(config, 1000), times);
}

TEST(Pacer, HandsOutWhatIsDueUntilItIsSent) {
  Pacer pacer{Departures{{.packets_per_second = 1000}}};
  EXPECT_EQ(pacer.due(Nanos{0}, 64).size(), 1u);
  const auto due = pacer.due(Nanos{2'500'000}, 64);
  ASSERT_EQ(due.size(), 3u);
  EXPECT_EQ(due[2], Nanos{2'000'000});
  pacer.sent(2);
  EXPECT_EQ(pacer.due(Nanos{2'500'000}, 64).size(), 1u);
  EXPECT_EQ(pacer.due(Nanos{2'500'000}, 64).front(), Nanos{2'000'000});
}

TEST(Pacer, MakesUpForAStallWithinTheLimit) {
  Pacer pacer{Departures{{.packets_per_second = kRate}}};
  std::size_t sent = 0;
  while (const std::size_t due = pacer.due(Nanos{1'000'000}, 64).size()) {
    EXPECT_LE(due, 64u);
    pacer.sent(due);
    sent += due;
  }
  EXPECT_EQ(sent, 1001u);
}

TEST(Pacer, WithoutARateAllIsDueNow) {
  Pacer pacer{std::nullopt};
  const auto due = pacer.due(Nanos{5}, 64);
  ASSERT_EQ(due.size(), 64u);
  EXPECT_EQ(due.front(), Nanos{5});
}

}  // namespace
}  // namespace valinor::traffic
