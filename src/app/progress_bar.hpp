/// One line on a terminal that says how far something is; nothing where stderr is none.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace valinor::app {

class ProgressBar {
 public:
  /// `label` stands in front of it.
  explicit ProgressBar(std::string label);
  /// Leaves an empty line.
  ~ProgressBar();
  ProgressBar(const ProgressBar&) = delete;
  ProgressBar& operator=(const ProgressBar&) = delete;

  /// `done` from 0 to 1; `records` until now. To be called as often as one likes.
  void update(double done, std::uint64_t records);

 private:
  using Clock = std::chrono::steady_clock;

  std::string label_;
  bool is_terminal_;
  Clock::time_point start_ = Clock::now();
  Clock::time_point due_ = start_;
};

/// "zset  [#########---------------]  37 %   3,700,000 records   2,100,000/s   3 s left"
[[nodiscard]] std::string to_bar(const std::string& label, double done, std::uint64_t records,
                                 double seconds);

}  // namespace valinor::app
