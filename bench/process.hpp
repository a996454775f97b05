/// What the small programs of bench/ share: CPUs as arguments, the end by a signal, errors.
#pragma once

#include <signal.h>

#include <cstdio>
#include <exception>
#include <span>
#include <vector>

#include "base/failure.hpp"
#include "base/units.hpp"

namespace valinor::bench {

/// SIGINT and SIGTERM: held back from the threads that are started later.
class StopSignals {
 public:
  StopSignals();
  /// Says "ready" on stdout and waits for one of them.
  void wait_ready() const;

 private:
  sigset_t signals_;
};

/// Throws Failure where one of them is not for us.
[[nodiscard]] std::vector<CpuId> to_cpus(std::span<char* const> arguments);

/// Runs `program` and answers the exit status, having told what it threw.
template <class Program>
int run_program(const char* name, Program&& program) {
  try {
    program();
    return 0;
  } catch (const Failure& failure) {
    std::fputs(failure.finding().to_text().c_str(), stderr);
    return static_cast<int>(failure.exit_status());
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s: %s\n", name, error.what());
    return 1;
  }
}

}  // namespace valinor::bench
