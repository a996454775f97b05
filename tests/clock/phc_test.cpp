/// A NIC's clock: what the kernel's answers mean, and the conversion of its times, with a clock of
/// the test's own beside the kernel's real one.
#include <gtest/gtest.h>
#include <time.h>

#include <cmath>
#include <filesystem>

#include "base/failure.hpp"
#include "clock/phc.hpp"
#include "clock/phc_discipline.hpp"

namespace valinor::clock {
namespace {

using namespace std::chrono_literals;

ptp_clock_time at(std::int64_t seconds, std::uint32_t nanos) { return {seconds, nanos, 0}; }

TEST(PhcSample, OfAnExtendedAnswerIsTheNarrowestReading) {
  // In the shape of a NIC whose register takes 2 us to read over PCIe; the second reading was
  // interrupted, the third is the narrowest.
  ptp_sys_offset_extended answer{};
  answer.n_samples = 3;
  answer.ts[0][0] = at(1718000000, 999'999'000);
  answer.ts[0][1] = at(1718000037, 1'100);
  answer.ts[0][2] = at(1718000001, 1'310);
  answer.ts[1][0] = at(1718000001, 4'000);
  answer.ts[1][1] = at(1718000037, 9'100);
  answer.ts[1][2] = at(1718000001, 12'345);
  answer.ts[2][0] = at(1718000001, 14'000);
  answer.ts[2][1] = at(1718000037, 15'050);
  answer.ts[2][2] = at(1718000001, 16'102);
  const auto sample = to_sample(answer);
  ASSERT_TRUE(sample);
  EXPECT_EQ(sample->nic.since_epoch, 1718000037s + 15'050ns);
  EXPECT_EQ(sample->before.since_epoch, 1718000001s + 14'000ns);
  EXPECT_EQ(sample->width(), 2'102ns);
}

TEST(PhcSample, OfAPlainAnswerLiesBetweenTheKernelsReadings) {
  ptp_sys_offset answer{};
  answer.n_samples = 2;
  answer.ts[0] = at(100, 0);
  answer.ts[1] = at(7, 500);
  answer.ts[2] = at(100, 3'000);
  answer.ts[3] = at(7, 3'400);
  answer.ts[4] = at(100, 4'000);
  const auto sample = to_sample(answer);
  ASSERT_TRUE(sample);
  EXPECT_EQ(sample->nic.since_epoch, 7s + 3'400ns);
  EXPECT_EQ(sample->before.since_epoch, 100s + 3'000ns);
  EXPECT_EQ(sample->after.since_epoch, 100s + 4'000ns);
}

TEST(PhcSample, OfACrossTimestampIsAsNarrowAsTheHardwareIs) {
  ptp_sys_offset_precise answer{};
  answer.device = at(50, 10);
  answer.sys_realtime = at(60, 20);
  const auto sample = to_sample(answer);
  ASSERT_TRUE(sample);
  EXPECT_EQ(sample->nic.since_epoch, 50s + 10ns);
  EXPECT_LE(sample->width(), 50ns);
  EXPECT_LT(sample->before.since_epoch, 60s + 20ns);
  EXPECT_GT(sample->after.since_epoch, 60s + 20ns);
}

TEST(PhcSample, ReadingsDuringWhichTheClockWasSetBackAreLeftOut) {
  ptp_sys_offset_extended answer{};
  EXPECT_FALSE(to_sample(answer)) << "no reading at all";
  answer.n_samples = 2;
  answer.ts[0][0] = at(100, 0);
  answer.ts[0][2] = at(99, 0);
  answer.ts[1][0] = at(99, 1'000);
  answer.ts[1][1] = at(3, 1'000);
  answer.ts[1][2] = at(99, 9'000);
  ASSERT_TRUE(to_sample(answer));
  EXPECT_EQ(to_sample(answer)->nic.since_epoch, 3s + 1'000ns);
  answer.n_samples = 1;
  EXPECT_FALSE(to_sample(answer));
}

TEST(PhcSample, MoreReadingsThanAnAnswerHoldsAreNotThere) {
  ptp_sys_offset_extended answer{};
  answer.n_samples = 0xffffffff;
  EXPECT_TRUE(to_sample(answer));
  ptp_sys_offset plain{};
  plain.n_samples = 0xffffffff;
  EXPECT_TRUE(to_sample(plain));
}

TEST(PhcSample, BecomesABracketThatHoldsTheTruth) {
  const PhcSample sample{{1000ns}, {RealTime{500ns}}, {RealTime{600ns}}};
  const Bracket bracket = to_bracket(sample, 37s, 3ns);
  EXPECT_EQ(bracket.time.since_epoch, 37s + 550ns);
  EXPECT_EQ(bracket.before, TscTicks{1000 - 53});
  EXPECT_EQ(bracket.after, TscTicks{1000 + 53});
}

/// A NIC's clock that runs off the kernel's real one: an offset, a rate of its own, a reading that
/// takes time.
class TestNic {
 public:
  explicit TestNic(double ppm, Nanos offset) : ppm_{ppm}, offset_{offset}, start_{real()} {}

  /// What it truly shows when CLOCK_REALTIME shows `time`.
  [[nodiscard]] NicTime at(Nanos time) const {
    const double passed = static_cast<double>((time - start_).count());
    return {time + offset_ + Nanos{std::llround(passed * ppm_ * 1e-6)}};
  }
  void step(Nanos by) { offset_ += by; }
  bool answers = true;
  bool stands_still = false;

  [[nodiscard]] std::optional<PhcSample> sample() const {
    if (!answers) return std::nullopt;
    const Nanos before = real();
    const NicTime nic = at(stands_still ? start_ : real());
    return PhcSample{nic, {before}, {real()}};
  }
  static Nanos real() {
    timespec now{};
    ::clock_gettime(CLOCK_REALTIME, &now);
    return std::chrono::seconds{now.tv_sec} + Nanos{now.tv_nsec};
  }

 private:
  double ppm_;
  Nanos offset_;
  Nanos start_;
};

PhcDiscipline follow(const TestNic& nic, ClockName host = ClockName::realtime) {
  return PhcDiscipline{host, "ptp7", PhcMethod::extended, [&nic] { return nic.sample(); }};
}

void expect_true_now(PhcDiscipline& discipline, const TestNic& nic) {
  const NicTimebase timebase = discipline.load();
  const Nanos time = TestNic::real();
  const NicTime shown = nic.at(time);
  const Nanos error = timebase.to_host(shown).since_epoch - time;
  EXPECT_LE(std::chrono::abs(error), timebase.error_bound(shown));
  EXPECT_LT(timebase.error_bound(shown), 1ms);
}

/// Waits until the kernel's clock is `more` later: what a discipline does between looks.
void let_pass(Nanos more) {
  const Nanos end = TestNic::real() + more;
  while (TestNic::real() < end) {
  }
}

TEST(PhcDiscipline, ConvertsTimesOfAClockWithItsOwnEpochAndRateWithinTheBound) {
  for (const double ppm : {0.0, 100.0, -400.0}) {
    for (const Nanos offset : {Nanos{37s}, Nanos{-1'700'000'000s}}) {
      const TestNic nic{ppm, offset};
      PhcDiscipline discipline = follow(nic);
      HostTime last = discipline.load().to_host(nic.at(TestNic::real()));
      for (int look = 0; look < 8; ++look) {
        let_pass(25ms);
        expect_true_now(discipline, nic);
        discipline.adjust();
        expect_true_now(discipline, nic);
        const HostTime now = discipline.load().to_host(nic.at(TestNic::real()));
        EXPECT_GT(now, last);
        last = now;
      }
      const PhcQuality quality = discipline.quality();
      EXPECT_EQ(quality.comparison.steps, 0U);
      EXPECT_EQ(quality.comparison.bound_misses, 0U);
      EXPECT_NEAR(quality.rate_ppm, ppm, quality.comparison.frequency_uncertainty_ppm);
      const Nanos time = TestNic::real();
      EXPECT_LT(std::chrono::abs(quality.offset + nic.at(time).since_epoch - time), 1ms);
    }
  }
}

TEST(PhcDiscipline, PublishesInTheConfiguredClock) {
  const TestNic nic{0, 37s};
  PhcDiscipline discipline = follow(nic, ClockName::monotonic);
  const Nanos before = std::chrono::steady_clock::now().time_since_epoch();
  const NicTime shown = nic.at(TestNic::real());
  const Nanos after = std::chrono::steady_clock::now().time_since_epoch();
  const NicTimebase timebase = discipline.load();
  const Nanos converted = timebase.to_host(shown).since_epoch;
  EXPECT_GE(converted, before - timebase.error_bound(shown));
  EXPECT_LE(converted, after + timebase.error_bound(shown));
}

TEST(PhcDiscipline, FollowsAClockThatIsSetEitherWay) {
  for (const Nanos step : {Nanos{37s}, Nanos{-37s}}) {
    TestNic nic{20, 0s};
    PhcDiscipline discipline = follow(nic);
    let_pass(25ms);
    nic.step(step);
    EXPECT_EQ(discipline.adjust(), Adjustment::stepped);
    expect_true_now(discipline, nic);
    EXPECT_EQ(discipline.quality().comparison.steps, 1U);
  }
}

TEST(PhcDiscipline, GoesOnWithAGrowingBoundWhereTheDeviceDoesNotAnswer) {
  TestNic nic{0, 5s};
  PhcDiscipline discipline = follow(nic);
  const Nanos before = discipline.load().error_bound(nic.at(TestNic::real()));
  nic.answers = false;
  let_pass(30ms);
  EXPECT_EQ(discipline.adjust(), Adjustment::kept);
  expect_true_now(discipline, nic);
  EXPECT_GT(discipline.load().error_bound(nic.at(TestNic::real())), before);
  EXPECT_GT(discipline.quality().failed_reads, 0U);
  nic.answers = true;
  EXPECT_EQ(discipline.adjust(), Adjustment::slewed);
  expect_true_now(discipline, nic);
}

std::string refusal(const TestNic& nic) {
  try {
    follow(nic);
  } catch (const Failure& failure) {
    EXPECT_EQ(failure.finding().code, "TIME-PHC-02");
    return failure.finding().why;
  }
  return "none";
}

TEST(PhcDiscipline, RefusesAClockThatStandsStillOrNeverAnswers) {
  TestNic nic{0, 5s};
  nic.stands_still = true;
  EXPECT_NE(refusal(nic).find("did not advance"), std::string::npos) << refusal(nic);
  nic.answers = false;
  EXPECT_EQ(refusal(nic), "it does not answer");
}

TEST(PhcDiscipline, SaysWhatItKnows) {
  const TestNic nic{0, -12ns};
  PhcDiscipline discipline = follow(nic);
  const std::string text = to_text(discipline.quality());
  EXPECT_EQ(text.find("ptp7 by extended readings: realtime - ptp7 = "), 0U) << text;
  EXPECT_NE(text.find(" ns now, "), std::string::npos) << text;
}

TEST(Phc, SaysWhichDeviceItCannotOpen) {
  try {
    const Phc phc{4711};
    FAIL();
  } catch (const Failure& failure) {
    EXPECT_EQ(failure.finding().code, "TIME-PHC-01");
    EXPECT_NE(failure.finding().what.find("/dev/ptp4711"), std::string::npos);
  }
}

TEST(Phc, IsReadWhereThisMachineHasOne) {
  if (!std::filesystem::exists("/dev/ptp0")) GTEST_SKIP() << "no /dev/ptp0 here";
  PhcDiscipline discipline{ClockName::realtime, 0};
  EXPECT_GT(discipline.quality().offset, Nanos::min());
  EXPECT_LT(discipline.quality().comparison.bound_now, 1ms);
}

}  // namespace
}  // namespace valinor::clock
