#include "clock/phc_sample.hpp"

#include <algorithm>

namespace valinor::clock {
namespace {

/// Cross timestamps come from one moment, but the kernel does not say how exact they are. This is
/// an allowance for PTM and the conversion to CLOCK_REALTIME, not a measurement. Smaller: the bound
/// would be a hope. Larger: it would be no better than the next method.
constexpr Nanos kPreciseHalfWidth{25};

Nanos to_nanos(const ptp_clock_time& time) noexcept {
  return std::chrono::seconds{time.sec} + Nanos{time.nsec};
}

void keep_narrower(std::optional<PhcSample>& best, const PhcSample& next) noexcept {
  if (next.width() < Nanos{0}) return;
  if (!best || next.width() < best->width()) best = next;
}

}  // namespace

std::string_view to_name(PhcMethod method) noexcept {
  switch (method) {
    case PhcMethod::precise: return "cross timestamps";
    case PhcMethod::extended: return "extended readings";
    case PhcMethod::plain: break;
  }
  return "plain readings";
}

std::optional<PhcSample> to_sample(const ptp_sys_offset_precise& answer) noexcept {
  const RealTime system{to_nanos(answer.sys_realtime)};
  return PhcSample{.nic = {to_nanos(answer.device)},
                   .before = system + -kPreciseHalfWidth,
                   .after = system + kPreciseHalfWidth};
}

std::optional<PhcSample> to_sample(const ptp_sys_offset_extended& answer) noexcept {
  std::optional<PhcSample> best;
  const unsigned count = std::min<unsigned>(answer.n_samples, PTP_MAX_SAMPLES);
  for (unsigned i = 0; i < count; ++i) {
    const auto& [before, device, after] = answer.ts[i];
    keep_narrower(best, {{to_nanos(device)}, {to_nanos(before)}, {to_nanos(after)}});
  }
  return best;
}

std::optional<PhcSample> to_sample(const ptp_sys_offset& answer) noexcept {
  std::optional<PhcSample> best;
  const unsigned count = std::min<unsigned>(answer.n_samples, PTP_MAX_SAMPLES);
  for (unsigned i = 0; i < count; ++i) {  // system, device, system, device, ... system
    const ptp_clock_time* const at = &answer.ts[std::size_t{2} * i];
    keep_narrower(best, {{to_nanos(at[1])}, {to_nanos(at[0])}, {to_nanos(at[2])}});
  }
  return best;
}

Bracket to_bracket(const PhcSample& sample, Nanos to_host, Nanos bound) noexcept {
  // The NIC's clock runs at the host's rate but for some ppm, which do not show in so short a time.
  const Nanos half = (sample.width() + Nanos{1}) / 2 + bound;
  return {.before = to_ticks(sample.nic + -half),
          .time = {(sample.before + sample.width() / 2).since_epoch + to_host},
          .after = to_ticks(sample.nic + half)};
}

}  // namespace valinor::clock
