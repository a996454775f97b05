#include "process.hpp"

#include <cstdint>
#include <cstdlib>

#include "base/thread.hpp"

namespace valinor::bench {

StopSignals::StopSignals() : signals_{} {
  ::sigemptyset(&signals_);
  ::sigaddset(&signals_, SIGINT);
  ::sigaddset(&signals_, SIGTERM);
  ::pthread_sigmask(SIG_BLOCK, &signals_, nullptr);
}

void StopSignals::wait_ready() const {
  std::puts("ready");
  std::fflush(stdout);
  int signal = 0;
  ::sigwait(&signals_, &signal);
}

std::vector<CpuId> to_cpus(std::span<char* const> arguments) {
  std::vector<CpuId> cpus;
  for (const char* argument : arguments) {
    cpus.emplace_back(static_cast<std::uint32_t>(std::strtoul(argument, nullptr, 10)));
    require_cpu(cpus.back());
  }
  return cpus;
}

}  // namespace valinor::bench
