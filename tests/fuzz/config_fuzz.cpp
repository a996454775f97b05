// Any bytes as a configuration file, and as the value of an option: an answer, never a crash, a
// hang or a leak. What loads must print, and load again to the same.
//
// Needs: app_config (with exporter, wire, base), yaml-cpp, fmt.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "app/config_load.hpp"
#include "app/config_show.hpp"

namespace {

using namespace valinor::app;

/// Every line up to its origin comment.
std::string without_origins(const std::string& printed) {
  std::string out;
  for (std::size_t start = 0; start < printed.size();) {
    const std::size_t end = printed.find('\n', start);
    const std::string line = printed.substr(start, end - start);
    out.append(line, 0, line.rfind("  # ")).push_back('\n');
    start = end + 1;
  }
  return out;
}

void check_round_trip(const LoadResult& loaded) {
  if (!loaded) {
    if (to_text(loaded.error()).empty()) std::abort();
    return;
  }
  const std::string printed = print_effective(*loaded);
  ConfigSources more;
  more.interfaces_required = false;
  const LoadResult again = load_config_text(printed, "printed", more);
  if (!again || without_origins(print_effective(*again)) != without_origins(printed)) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view text{reinterpret_cast<const char*>(data + 1), size - 1};
  if (data[0] % 2 == 0) {  // a file, or an option of the command line
    check_round_trip(load_config_text(text, "fuzz"));
    return 0;
  }
  ConfigSources options;
  options.interfaces_required = false;
  const std::size_t equals = text.find('=');
  options.overrides.push_back({"--set", std::string{text.substr(0, equals)},
                               std::string{text.substr(equals == text.npos ? 0 : equals + 1)}});
  check_round_trip(load_config(options));
  return 0;
}
