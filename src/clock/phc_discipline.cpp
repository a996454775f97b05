#include "clock/phc_discipline.hpp"

#include <fmt/format.h>

#include <utility>

#include "base/failure.hpp"

namespace valinor::clock {
namespace {

[[noreturn]] void give_up(const std::string& name, ClockName host, const std::string& why) {
  throw Failure{
      ExitStatus::host_not_ready,
      {"TIME-PHC-02",
       fmt::format("cannot compare the NIC's clock {} with the clock {}", name, to_name(host)), why,
       "wait for ptp4l and NTP to settle    or:  timestamp.source: software"}};
}

/// What Discipline says is about a TSC.
Discipline calibrate(const std::string& name, ClockName host, TakeBracket take) {
  try {
    return Discipline{host, std::move(take)};
  } catch (const Failure& failure) {
    give_up(name, host, failure.finding().why);
  }
}

}  // namespace

PhcDiscipline::PhcDiscipline(ClockName host, int phc)
    : phc_{std::in_place, phc},
      name_{phc_->name()},
      method_{phc_->method()},
      take_sample_{[this] { return phc_->sample(); }},
      to_host_{ClockName::realtime, host},
      discipline_{calibrate(name_, host, [this] { return take(); })} {
  calibrated_ = true;
}

PhcDiscipline::PhcDiscipline(ClockName host, std::string name, PhcMethod method,
                             TakeSample take_sample)
    : name_{std::move(name)},
      method_{method},
      take_sample_{std::move(take_sample)},
      to_host_{ClockName::realtime, host},
      discipline_{calibrate(name_, host, [this] { return take(); })} {
  calibrated_ = true;
}

/// A device that does not answer shows the last reading once more: the timebase stays, and its
/// bound grows with time.
Bracket PhcDiscipline::take() {
  if (const auto sample = take_sample_()) {
    const Nanos offset = to_host_();
    return *(last_ = to_bracket(*sample, offset, to_host_.bound()));
  }
  ++failed_reads_;
  if (!calibrated_) {
    throw Failure{ExitStatus::host_not_ready, {"TIME-PHC-02", "", "it does not answer", ""}};
  }
  return *last_;
}

PhcQuality PhcDiscipline::quality() {
  const Bracket now = take();
  const ClockQuality comparison = discipline_.quality();
  const Nanos nic{static_cast<std::int64_t>(now.before.value()) +
                  ticks_between(now.before, now.after) / 2};
  return {.name = name_,
          .method = method_,
          .offset = now.time.since_epoch - nic,
          .rate_ppm = (comparison.ticks_per_second / 1e9 - 1) * 1e6,
          .failed_reads = failed_reads_,
          .comparison = comparison};
}

std::string to_text(const PhcQuality& quality) {
  const ClockQuality& comparison = quality.comparison;
  const auto seconds = std::chrono::floor<std::chrono::seconds>(quality.offset);
  std::string text = fmt::format(
      "{} by {}: {} - {} = {} s {} ns, rate {:+.3f} ppm +/- {:.1f}; within {} ns now, {} ns at "
      "worst; residual {} ns, worst {} ns",
      quality.name, to_name(quality.method), to_name(comparison.name), quality.name,
      seconds.count(), (quality.offset - seconds).count(), quality.rate_ppm,
      comparison.frequency_uncertainty_ppm, comparison.bound_now.count(),
      comparison.worst_bound.count(), comparison.last_residual.count(),
      comparison.worst_residual.count());
  if (comparison.steps > 0) {
    text += fmt::format("; stepped {} times, last by {} ns", comparison.steps,
                        comparison.last_step.count());
  }
  if (comparison.bound_misses > 0) {
    text += fmt::format("; found outside its bound {} times", comparison.bound_misses);
  }
  if (quality.failed_reads > 0) {
    text += fmt::format("; could not be read {} times", quality.failed_reads);
  }
  return text;
}

}  // namespace valinor::clock
