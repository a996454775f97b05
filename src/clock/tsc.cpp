#include "clock/tsc.hpp"

#include <fstream>
#include <string>

#if defined(__x86_64__)
#include <cpuid.h>
#endif

namespace valinor::clock {
namespace {

#if defined(__x86_64__)
bool cpu_promises_one_rate() {
  // Intel SDM volume 3, "Invariant TSC": leaf 0x80000007, EDX bit 8. AMD has the same bit.
  unsigned eax = 0;
  unsigned ebx = 0;
  unsigned ecx = 0;
  unsigned edx = 0;
  return __get_cpuid(0x8000'0007u, &eax, &ebx, &ecx, &edx) != 0 && (edx & (1u << 8)) != 0;
}
#endif

}  // namespace

bool tsc_is_invariant() {
#if defined(__x86_64__)
  if (!cpu_promises_one_rate()) return false;
  // The kernel's watchdog strikes "tsc" off this list when it sees CPUs disagree. Where sysfs is
  // hidden (containers), the CPU's word has to do.
  std::ifstream sources{"/sys/devices/system/clocksource/clocksource0/available_clocksource"};
  if (!sources) return true;
  for (std::string source; sources >> source;) {
    if (source == "tsc") return true;
  }
  return false;
#else
  // aarch64's generic timer has one rate by its architecture, and CLOCK_MONOTONIC_RAW has by its.
  return true;
#endif
}

}  // namespace valinor::clock
