/// Which stamp a packet's time is taken from, and which are not believed.
#include "pipeline/arrival.hpp"

#include <gtest/gtest.h>
#include <time.h>

#include <limits>

#include "clock/bracket.hpp"
#include "clock/discipline.hpp"

namespace valinor::pipeline {
namespace {

using namespace std::chrono_literals;
using clock::ClockName;
using packet_io::ArrivalStamp;

Nanos read(ClockName name) {
  timespec now{};
  ::clock_gettime(clock::to_id(name), &now);
  return std::chrono::seconds{now.tv_sec} + Nanos{now.tv_nsec};
}

/// Beside the kernel's real clocks, a NIC whose clock is 37 s ahead of CLOCK_REALTIME.
class ArrivalTest : public testing::Test {
 protected:
  static constexpr Nanos kAhead = 37s;

  static NicTime nic_now() { return {read(ClockName::realtime) + kAhead}; }

  static packet_io::Frame stamped(ArrivalStamp by, Nanos stamp) {
    packet_io::Frame frame;
    frame.stamp = stamp;
    frame.stamped_by = by;
    return frame;
  }

  Arrival arrive(const packet_io::Frame& frame, bool has_nic = true) {
    arrivals.begin_burst(has_nic ? &nic : nullptr, host.published().load(), clock::read_tsc());
    return arrivals.at(frame, 0);
  }

  /// The time of a packet whose stamp is not believed is the ring's.
  void expect_ring_time(const packet_io::Frame& frame, bool has_nic = true) {
    const Nanos before = read(ClockName::realtime);
    const Arrival arrival = arrive(frame, has_nic);
    const Nanos after = read(ClockName::realtime);
    EXPECT_EQ(arrival.by, ArrivalStamp::none);
    EXPECT_EQ(arrival.ring_delay, 0ns);
    EXPECT_GE(arrival.time.since_epoch, before - Nanos{arrival.bound_ns});
    EXPECT_LE(arrival.time.since_epoch, after + Nanos{arrival.bound_ns});
  }

  clock::Discipline host{ClockName::realtime};
  clock::PhcDiscipline nic{
      ClockName::realtime, "ptp0", clock::PhcMethod::extended, [] {
        const clock::RealTime before{read(ClockName::realtime)};
        const NicTime shown = nic_now();
        return std::optional{clock::PhcSample{shown, before, {read(ClockName::realtime)}}};
      }};
  ArrivalClock arrivals{ClockName::realtime};
};

TEST_F(ArrivalTest, IsTheRingsTimeWhereNobodyStampedThePacket) {
  expect_ring_time({});
  EXPECT_EQ(arrivals.stats().implausible.value(), 0U);
}

TEST_F(ArrivalTest, NoTwoFramesOfABurstHaveTheSameTimeUnlessSomebodySaysSo) {
  arrivals.begin_burst(nullptr, host.published().load(), clock::read_tsc());
  const Arrival first = arrivals.at({}, 0);
  const Arrival last = arrivals.at({}, packet_io::kMaxBurst - 1);
  EXPECT_EQ(last.time - first.time, Nanos{packet_io::kMaxBurst - 1});
  EXPECT_GE(Nanos{last.bound_ns}, last.time - first.time);  // as both were there at the first time
  const packet_io::Frame unbelieved = stamped(ArrivalStamp::hardware, Nanos{1});
  EXPECT_EQ(arrivals.at(unbelieved, 5).time - first.time, 5ns);
}

TEST_F(ArrivalTest, IsTheNicsTimeInThePublishedClock) {
  const Nanos truth = read(ClockName::realtime) - 5us;
  const Arrival arrival = arrive(stamped(ArrivalStamp::hardware, truth + kAhead));
  EXPECT_EQ(arrival.by, ArrivalStamp::hardware);
  EXPECT_LE(std::chrono::abs(arrival.time.since_epoch - truth), Nanos{arrival.bound_ns});
  EXPECT_GT(arrival.ring_delay, 0ns);
  EXPECT_EQ(arrivals.stats().hardware.value(), 1U);

  telemetry::PacketRecord record;
  arrival.write_to(record);
  EXPECT_EQ(record.received, arrival.time);
  EXPECT_EQ(record.flags, telemetry::flag::kHardwareTime);
  EXPECT_EQ(record.ring_delay_ns, arrival.ring_delay.count());
  EXPECT_EQ(record.received_bound_ns, arrival.bound_ns);
}

TEST_F(ArrivalTest, IsTheDriversTimeInThePublishedClock) {
  const Nanos before = read(ClockName::realtime);
  const Nanos monotonic = read(ClockName::monotonic);
  const Nanos after = read(ClockName::realtime);
  const Arrival arrival = arrive(stamped(ArrivalStamp::driver, monotonic));
  EXPECT_EQ(arrival.by, ArrivalStamp::driver);
  EXPECT_GE(arrival.time.since_epoch, before - Nanos{arrival.bound_ns});
  EXPECT_LE(arrival.time.since_epoch, after + Nanos{arrival.bound_ns});
  telemetry::PacketRecord record;
  arrival.write_to(record);
  EXPECT_EQ(record.flags, telemetry::flag::kDriverTime);
  EXPECT_EQ(arrivals.stats().driver.value(), 1U);
}

TEST_F(ArrivalTest, AStampFromTheFutureOrFromLongAgoIsNotBelieved) {
  for (const Nanos off : {Nanos{10s}, Nanos{-62s}, Nanos{-1000h}}) {
    expect_ring_time(stamped(ArrivalStamp::hardware, read(ClockName::realtime) + kAhead + off));
    expect_ring_time(stamped(ArrivalStamp::driver, read(ClockName::monotonic) + off));
  }
  for (const Nanos stamp : {Nanos{1}, Nanos{(std::int64_t{1} << 62) - 1}}) {
    expect_ring_time(stamped(ArrivalStamp::hardware, stamp));
    expect_ring_time(stamped(ArrivalStamp::driver, stamp));
  }
  EXPECT_EQ(arrivals.stats().implausible.value(), 10U);
  EXPECT_EQ(arrivals.stats().hardware.value() + arrivals.stats().driver.value(), 0U);
}

TEST_F(ArrivalTest, APacketThatWaitedForAWorkerThatWasStoppedKeepsItsTime) {
  const Nanos truth = read(ClockName::realtime) - 20s;
  const Arrival arrival = arrive(stamped(ArrivalStamp::hardware, truth + kAhead));
  EXPECT_EQ(arrival.by, ArrivalStamp::hardware);
  EXPECT_LE(std::chrono::abs(arrival.time.since_epoch - truth), Nanos{arrival.bound_ns});
  telemetry::PacketRecord record;
  arrival.write_to(record);
  EXPECT_EQ(record.ring_delay_ns, std::numeric_limits<std::int32_t>::max());
}

TEST_F(ArrivalTest, AHardwareStampWithoutTheClockBehindItIsNotBelieved) {
  expect_ring_time(stamped(ArrivalStamp::hardware, nic_now().since_epoch), false);
  EXPECT_EQ(arrivals.stats().implausible.value(), 1U);
}

}  // namespace
}  // namespace valinor::pipeline
