#include "app/config_layer.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <unordered_map>
#include <utility>
#include <vector>

#include "app/config_suggest.hpp"
#include "app/config_units.hpp"
#include "app/config_value.hpp"

namespace valinor::app {
namespace {

constexpr std::string_view kInterfaces = "interfaces";

/// A spot in the schema and in Config at once.
struct Spot {
  std::string schema_path;  // "interfaces[].umem"
  std::string shown_path;   // "interfaces[0].umem"
  std::size_t interface = 0;

  [[nodiscard]] Spot below(std::string_view name) const {
    return {join_path(schema_path, name), join_path(shown_path, name), interface};
  }
};

/// " in interfaces[0]", nothing at the root.
std::string in_section(const Spot& section) {
  return section.shown_path.empty() ? "" : " in " + section.shown_path;
}

/// "did you mean 'umem.frames'?" if some section has a key of this name, or nothing.
std::string same_name_elsewhere(std::string_view name) {
  for (const SchemaKey& row : schema()) {
    const std::string_view path = row.path;
    if (path.size() > name.size() && path.ends_with(name) &&
        path[path.size() - name.size() - 1] == '.') {
      return fmt::format("did you mean '{}'?", path);
    }
  }
  return {};
}

/// A hint for a key that `section` lacks: a near name, the same name elsewhere, a missing space.
std::string unknown_key_hint(std::string_view key, const std::string& section) {
  const auto names = names_below(section);
  const std::string_view before_colon = key.substr(0, key.find(':'));
  for (const std::string_view name : names) {
    if (name == before_colon) return fmt::format("a space is missing behind '{}:'", name);
  }
  if (std::string near = did_you_mean(key, names); !near.empty()) return near;
  return same_name_elsewhere(key);
}

class Layer {
 public:
  Layer(const Source& source, Landing to) : source_{source}, to_{to} {}

  /// Lands `node` at a spot that is known to exist; `place` is where its name stands.
  void land(const YamlNode& node, const Spot& spot, Place place) {
    if (const SchemaKey* key = find_key(spot.schema_path)) {
      land_value(node, *key, spot, place);
    } else if (is_list_of_maps(spot.schema_path)) {
      land_interfaces(node, place);
    } else {
      land_section(node, spot);
    }
  }

  void land_section(const YamlNode& node, const Spot& section) {
    if (node.kind == YamlNode::Kind::null) return;  // all of its keys are commented out
    if (node.kind != YamlNode::Kind::map) {
      to_.problems.add("CFG-TYPE-01", source_, node.place,
                       section.shown_path.empty()
                           ? std::string{"the file must hold keys such as 'version: 1'"}
                           : section.shown_path + " wants keys and values below it");
      return;
    }
    const auto names = names_below(section.schema_path);
    std::unordered_map<std::string_view, Place> seen;
    for (const YamlEntry& entry : node.entries) {
      const auto [first, is_new] = seen.emplace(entry.key, entry.place);
      if (!is_new) {
        to_.problems.add(
            "CFG-KEY-03", source_, entry.place,
            fmt::format("key {} is set twice{}", in_quotes(entry.key), in_section(section)),
            "first set at " + source_.to_text(first->second));
        continue;
      }
      if (std::find(names.begin(), names.end(), entry.key) == names.end()) {
        unknown_key(entry, section);
        continue;
      }
      land(entry.value, section.below(entry.key), entry.place);
    }
  }

  Spot open_interface(std::size_t index, Place place) {
    if (index == to_.config.interfaces.size()) to_.config.interfaces.emplace_back();
    const std::string shown = fmt::format("{}[{}]", kInterfaces, index);
    to_.origins.try_emplace(shown, Origin{&source_, place});
    return {std::string{kInterfaces} + "[]", shown, index};
  }

 private:
  void unknown_key(const YamlEntry& entry, const Spot& section) {
    std::string hint;
    if (!to_.problems.full()) hint = unknown_key_hint(entry.key, section.schema_path);
    to_.problems.add("CFG-KEY-02", source_, entry.place,
                     fmt::format("unknown key {}{}", in_quotes(entry.key), in_section(section)),
                     hint);
  }

  void land_value(const YamlNode& node, const SchemaKey& key, const Spot& spot, Place place) {
    // yaml-cpp says of a value that is left out only where the next thing starts.
    YamlNode nothing;
    nothing.place = place;
    const bool is_null = node.kind == YamlNode::Kind::null;
    const auto value =
        read_value(key, is_null ? nothing : node, {spot.shown_path, source_, to_.problems});
    to_.origins[spot.shown_path] = {&source_, place, value.has_value()};
    if (value) key.land(to_.config, spot.interface, *value);
  }

  void land_interfaces(const YamlNode& node, Place place) {
    std::erase_if(to_.origins,
                  [](const auto& origin) { return origin.first.starts_with(kInterfaces); });
    to_.config.interfaces.clear();
    Origin& list = to_.origins[std::string{kInterfaces}];
    list = {&source_, place};
    if (node.kind != YamlNode::Kind::sequence) {
      list.good = false;
      to_.problems.add("CFG-TYPE-01", source_,
                       node.kind == YamlNode::Kind::null ? place : node.place,
                       "interfaces wants a list, one entry a NIC, such as '- name: eth0'");
      return;
    }
    if (node.items.size() > kMaxInterfaces) {
      list.good = false;
      to_.problems.add("CFG-RANGE-02", source_, place,
                       fmt::format("interfaces wants at most {} entries, got {}", kMaxInterfaces,
                                   node.items.size()));
      return;
    }
    for (const YamlNode& item : node.items) {
      land_section(item, open_interface(to_.config.interfaces.size(), item.place));
    }
  }

  const Source& source_;
  Landing to_;
};

/// A path of an option, its index taken out: "interfaces[0].mode" is {"interfaces[].mode", 0}.
struct OverridePath {
  std::string schema_path;
  std::optional<std::size_t> interface;
};

OverridePath split_index(std::string_view path) {
  const std::size_t open = path.find('[');
  const std::size_t close = path.find(']');
  if (open == std::string_view::npos || close == std::string_view::npos || close < open) {
    return {std::string{path}, std::nullopt};
  }
  const ParsedNumber index = parse_number(path.substr(open + 1, close - open - 1));
  if (!index) return {std::string{path}, std::nullopt};
  return {std::string{path.substr(0, open + 1)}.append(path.substr(close)), *index};
}

/// Whether options may name it.
bool is_known(const OverridePath& path) {
  const std::string& schema_path = path.schema_path;
  if (schema_path.empty() ||
      path.interface.has_value() != schema_path.starts_with("interfaces[]")) {
    return false;
  }
  return find_key(schema_path) != nullptr || is_section(schema_path) ||
         is_list_of_maps(schema_path);
}

/// A hint for a path that is_known() denies, in the form that an option takes: with an index.
std::string unknown_path_hint(const OverridePath& path) {
  std::vector<std::string_view> known;
  for (const SchemaKey& key : schema()) known.push_back(key.path);
  std::string hint = did_you_mean(path.schema_path, known);
  if (hint.empty()) hint = same_name_elsewhere(path.schema_path);
  if (const std::size_t open = hint.find("[]"); open != std::string::npos) {
    hint.insert(open + 1, std::to_string(path.interface.value_or(0)));
  }
  return hint;
}

}  // namespace

void land_file(const YamlNode& root, const Source& source, Landing to) {
  Layer{source, to}.land_section(root, {});
}

void land_override(std::string_view path, Place path_place, const YamlNode& value,
                   const Source& source, Landing to) {
  const OverridePath split = split_index(path);
  if (!is_known(split)) {
    to.problems.add("CFG-KEY-02", source, path_place, "unknown key " + in_quotes(path),
                    unknown_path_hint(split));
    return;
  }
  Layer layer{source, to};
  if (!split.interface) {
    layer.land(value, {split.schema_path, split.schema_path, 0}, path_place);
    return;
  }
  if (*split.interface > to.config.interfaces.size() || *split.interface >= kMaxInterfaces) {
    to.problems.add("CFG-KEY-02", source, path_place,
                    fmt::format("there is no interfaces[{}]; the next one would be interfaces[{}]",
                                *split.interface, to.config.interfaces.size()));
    return;
  }
  const Spot entry = layer.open_interface(*split.interface, path_place);
  const std::string rest = split.schema_path.substr(entry.schema_path.size());
  layer.land(value, {split.schema_path, entry.shown_path + rest, entry.interface}, path_place);
}

const SchemaKey* find_override_key(std::string_view path) {
  return find_key(split_index(path).schema_path);
}

}  // namespace valinor::app
