/// A YAML document as a tree that keeps every key, twice if it is there twice, with its place.
///
/// yaml-cpp's own tree is not used: it drops duplicates, knows no places of keys and follows
/// aliases. Its parser hands us events; what configuration has no use for is refused there: anchors
/// and aliases, merge keys, tags, several documents, deep nesting.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "app/config_problem.hpp"
#include "app/yaml_source.hpp"

namespace valinor::app {

struct YamlEntry;

struct YamlNode {
  enum class Kind : std::uint8_t { null, scalar, sequence, map };

  Kind kind = Kind::null;
  Place place;
  std::string text;                // of a scalar
  std::vector<YamlNode> items;     // of a sequence
  std::vector<YamlEntry> entries;  // of a map, in the order of the file
};

struct YamlEntry {
  std::string key;
  Place place;  // of the key
  YamlNode value;
};

/// The document of `source`, null if it is empty; nothing: told to `problems`.
[[nodiscard]] std::optional<YamlNode> parse_yaml(const Source& source, Problems& problems);

/// The same for `text`, which stands in the first line of `source` at `column`.
[[nodiscard]] std::optional<YamlNode> parse_yaml_value(std::string_view text, std::size_t column,
                                                       const Source& source, Problems& problems);

}  // namespace valinor::app
