/// From files and options to a Config.
///
///   defaults < first -c file < next -c file < --set, in the order given
///
/// What comes later wins key by key; a list, that of the interfaces included, is replaced as a
/// whole. Every problem of every file is found in one pass.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

#include "app/config.hpp"
#include "app/config_problem.hpp"

namespace valinor::app {

/// One value given on the command line.
struct ConfigOverride {
  std::string option;  // as typed: "--set", "--duration"
  std::string path;    // "interfaces[0].mode"; index = number of interfaces: one more
  std::string value;   // YAML: "copy", "[0, 1]"
};

struct ConfigSources {
  std::vector<std::string> files;
  std::vector<ConfigOverride> overrides;
  bool interfaces_required = true;  // replay, generators to a file and the tap need none
};

struct LoadedConfig {
  Config config;
  std::map<std::string, std::string>
      origins;  // "interfaces[0].mode": "conf/nic.yaml:12" or "--set"
};

using LoadResult = tl::expected<LoadedConfig, std::vector<ConfigProblem>>;

[[nodiscard]] LoadResult load_config(const ConfigSources& sources);

/// The same for one text, which messages call `name`.
[[nodiscard]] LoadResult load_config_text(std::string_view text, std::string_view name,
                                          const ConfigSources& more = {});

/// All of them one after another, as printed on stderr.
[[nodiscard]] std::string to_text(const std::vector<ConfigProblem>& problems);

}  // namespace valinor::app
