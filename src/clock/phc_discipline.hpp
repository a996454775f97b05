/// Turns times of a NIC's clock into published time.
///
///   /dev/ptpN --sample--> PhcDiscipline::adjust() --> NicTimebase --> workers
///                         main thread, every 100 to 250 ms
///
/// Nobody's clock is set: the NIC's may run free, or be kept on a grandmaster's time by ptp4l. It
/// is compared with the configured clock, and its times are converted. What the bound says and
/// assumes is what clock/discipline.hpp says of the TSC, of which this is the same with other
/// ticks.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "base/time.hpp"
#include "clock/discipline.hpp"
#include "clock/kernel_offset.hpp"
#include "clock/phc.hpp"
#include "clock/phc_sample.hpp"
#include "clock/timebase.hpp"

namespace valinor::clock {

/// The conversion of the moment; loaded once per burst.
class NicTimebase {
 public:
  NicTimebase() = default;
  explicit NicTimebase(const Timebase& timebase) noexcept : timebase_{timebase} {}

  [[nodiscard]] HostTime to_host(NicTime time) const noexcept {
    return timebase_.to_host(to_ticks(time));
  }
  /// to_host(time) was at most this far from the configured clock.
  [[nodiscard]] Nanos error_bound(NicTime time) const noexcept {
    return timebase_.error_bound(to_ticks(time));
  }

 private:
  Timebase timebase_;
};

/// What a report says about the NIC's clock.
struct PhcQuality {
  std::string name;  // "ptp2"
  PhcMethod method{};
  Nanos offset{};                  // configured clock - NIC's clock, now
  double rate_ppm = 0;             // by how much the NIC's is faster
  std::uint64_t failed_reads = 0;  // the device did not answer
  ClockQuality comparison;         // bounds, residuals, steps: of either clock against the other
};

/// "ptp2 by cross timestamps: tai - ptp2 = 37.000000012 s, ..."
[[nodiscard]] std::string to_text(const PhcQuality& quality);

class PhcDiscipline {
 public:
  using TakeSample = std::function<std::optional<PhcSample>()>;

  /// Compares the two for Discipline::kCalibration. Throws Failure: TIME-PHC-01 (cannot be read),
  /// TIME-PHC-02 (stands still, or one of the two is being set all the while).
  PhcDiscipline(ClockName host, int phc);

  /// The same with samples from elsewhere.
  PhcDiscipline(ClockName host, std::string name, PhcMethod method, TakeSample take_sample);

  PhcDiscipline(const PhcDiscipline&) = delete;
  PhcDiscipline& operator=(const PhcDiscipline&) = delete;

  /// Looks at both clocks and publishes a new conversion. The constructing thread.
  Adjustment adjust() { return discipline_.adjust(); }

  /// Any thread.
  [[nodiscard]] NicTimebase load() const noexcept {
    return NicTimebase{discipline_.published().load()};
  }

  /// The constructing thread. Reads the clock.
  [[nodiscard]] PhcQuality quality();

 private:
  [[nodiscard]] Bracket take();

  std::optional<Phc> phc_;  // nothing: samples come from elsewhere
  std::string name_;
  PhcMethod method_;
  TakeSample take_sample_;
  KernelOffset to_host_;
  std::optional<Bracket> last_;
  std::uint64_t failed_reads_ = 0;
  bool calibrated_ = false;
  Discipline discipline_;  // last: calibrates by all of the above
};

}  // namespace valinor::clock
