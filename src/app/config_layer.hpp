/// Lands one tree, of a file or an option, in Config, key by key.
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <string_view>

#include "app/config.hpp"
#include "app/config_problem.hpp"
#include "app/schema.hpp"
#include "app/yaml_tree.hpp"

namespace valinor::app {

/// Where a key was given.
struct Origin {
  const Source* source = nullptr;
  Place place;
  bool good = true;  // false: what was given is wrong, and Config holds something else
};

/// Of every list member and key that was given: "interfaces[0]", "interfaces[0].mode".
using Origins = std::map<std::string, Origin, std::less<>>;

struct Landing {
  Config& config;
  Origins& origins;
  Problems& problems;
};

/// A whole file.
void land_file(const YamlNode& root, const Source& source, Landing to);

/// The value of one option at `path`; `path_place` is where the path stands in `source`.
void land_override(std::string_view path, Place path_place, const YamlNode& value,
                   const Source& source, Landing to);

/// The row that an option's path means, with its index left out; null if it means none.
[[nodiscard]] const SchemaKey* find_override_key(std::string_view path);

}  // namespace valinor::app
