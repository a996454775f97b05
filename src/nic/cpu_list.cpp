#include "nic/cpu_list.hpp"

#include <charconv>

namespace valinor::nic {

std::vector<CpuId> parse_cpu_list(std::string_view text) {
  std::vector<CpuId> cpus;
  while (!text.empty()) {
    const std::string_view range = text.substr(0, text.find(','));
    text.remove_prefix(std::min(text.size(), range.size() + 1));
    std::uint32_t first = 0;
    const char* const end = range.data() + range.size();
    const auto begin = std::from_chars(range.data(), end, first);
    if (begin.ec != std::errc{}) continue;
    std::uint32_t last = first;
    if (begin.ptr != end && *begin.ptr == '-') std::from_chars(begin.ptr + 1, end, last);
    for (std::uint32_t cpu = first; cpu <= last; ++cpu) cpus.emplace_back(cpu);
  }
  return cpus;
}

std::string to_cpu_list(const std::vector<CpuId>& cpus) {
  std::string text;
  for (std::size_t i = 0; i < cpus.size();) {
    std::size_t last = i;
    while (last + 1 < cpus.size() && cpus[last + 1].value() == cpus[last].value() + 1) ++last;
    text += (text.empty() ? "" : ",") + std::to_string(cpus[i].value());
    if (last > i) text += (last > i + 1 ? "-" : ",") + std::to_string(cpus[last].value());
    i = last + 1;
  }
  return text;
}

}  // namespace valinor::nic
