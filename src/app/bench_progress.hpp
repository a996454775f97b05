/// What all modes of bench show and note: how far they are, and where it was.
#pragma once

#include <string>

#include "measure/comparison.hpp"

namespace valinor::app {

/// A line on a terminal; nothing where stderr is none. The destructor clears it.
class BenchProgress {
 public:
  BenchProgress();
  ~BenchProgress();
  BenchProgress(const BenchProgress&) = delete;
  BenchProgress& operator=(const BenchProgress&) = delete;

  void say(const std::string& text) const;

 private:
  bool is_terminal_;
};

/// Date, program, kernel, processor.
[[nodiscard]] measure::Environment describe_host();

}  // namespace valinor::app
