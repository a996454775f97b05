/// A NIC's hardware clock, /dev/ptpN.
#pragma once

#include <optional>
#include <string>

#include "base/unique_fd.hpp"
#include "clock/phc_sample.hpp"

namespace valinor::clock {

/// One thread at a time.
class Phc {
 public:
  /// Opens /dev/ptp`index` and finds the best way to read it. Throws Failure (TIME-PHC-01).
  explicit Phc(int index);

  /// Reads it beside CLOCK_REALTIME: 1 to 30 us. Nothing where the device is gone, or the kernel's
  /// clock was being set.
  [[nodiscard]] std::optional<PhcSample> sample() const noexcept;

  /// "ptp0"
  [[nodiscard]] const std::string& name() const noexcept { return name_; }
  [[nodiscard]] PhcMethod method() const noexcept { return method_; }

 private:
  [[nodiscard]] std::optional<PhcSample> sample_by(PhcMethod method) const noexcept;

  std::string name_;
  UniqueFd fd_;
  PhcMethod method_ = PhcMethod::precise;
};

}  // namespace valinor::clock
