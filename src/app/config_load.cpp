#include "app/config_load.hpp"

#include <algorithm>
#include <deque>
#include <optional>
#include <utility>

#include "app/config_check.hpp"
#include "app/config_layer.hpp"
#include "app/yaml_source.hpp"
#include "app/yaml_text.hpp"
#include "app/yaml_tree.hpp"

namespace valinor::app {
namespace {

/// "conf/nic.yaml:12" or "--set"
std::string to_origin(const Origin& origin) {
  if (origin.source->is_option) return origin.source->name;
  return origin.source->name + ":" + std::to_string(origin.place.line);
}

class Loader {
 public:
  void add_file(const std::string& path) {
    Source& source = sources_.emplace_back(Source{path, {}, false});
    if (read_source(source, problems_)) {
      add_text(source);
    } else {
      unread_ = true;
    }
  }

  void add_text(std::string_view text, std::string_view name) {
    add_text(sources_.emplace_back(Source{std::string{name}, std::string{text}, false}));
  }

  void add_override(const ConfigOverride& given) {
    // Only --set names its key; the others imply it.
    const std::string lead =
        given.option + " " + (given.option == "--set" ? given.path + "=" : std::string{});
    Source& source = sources_.emplace_back(Source{given.option, lead + given.value, true});
    const Place path_place{1, given.option.size() + 2, std::max<std::size_t>(given.path.size(), 1)};
    if (source.text.find('\n') != std::string::npos || !check_text(source, problems_)) {
      source.text.clear();
      problems_.add("CFG-FILE-03", source, {}, "a value must be one line of UTF-8 text");
      return;
    }
    const auto value = read_override(given, lead.size() + 1, source);
    if (value) land_override(given.path, path_place, *value, source, landing());
  }

  LoadResult finish(bool interfaces_required) {
    const bool has_file = std::any_of(sources_.begin(), sources_.end(),
                                      [](const Source& source) { return !source.is_option; });
    const Source& whole = sources_.empty()
                              ? sources_.emplace_back(Source{"configuration", {}, true})
                              : sources_.front();
    // Options alone have the form of this program.
    if (!has_file) origins_.try_emplace("version", Origin{&whole, {}});
    make_way_for_records();
    // After a file that could not be read, what is missing may be in it.
    if (!unread_) check_config(config_, origins_, whole, interfaces_required, problems_);
    if (!problems_.empty()) return tl::unexpected{problems_.take()};
    LoadedConfig loaded{std::move(config_), {}};
    for (const auto& [path, origin] : origins_) loaded.origins.emplace(path, to_origin(origin));
    if (!has_file) loaded.origins.erase("version");
    return loaded;
  }

 private:
  /// Where the catalogue's database is the default one, and holds records, there is no catalogue.
  void make_way_for_records() {
    exporter::RedisConfig& redis = config_.exporter.redis;
    if (origins_.contains("export.redis.metadata_db")) return;
    if (redis.has_records_in(redis.metadata_db)) redis.metadata_db = 0;
  }

  Landing landing() { return {config_, origins_, problems_}; }

  void add_text(Source& source) {
    const auto root = check_text(source, problems_) ? parse_yaml(source, problems_) : std::nullopt;
    unread_ = unread_ || !root;
    if (!root) return;
    if (root->kind == YamlNode::Kind::null) {
      unread_ = true;
      problems_.add("CFG-FILE-04", source, {}, "the file is empty, or all of it is comments");
      return;
    }
    unread_ = unread_ || root->kind != YamlNode::Kind::map;
    land_file(*root, source, landing());
  }

  /// Text and URLs are taken as they are, so that nothing in them needs a second kind of quotes.
  std::optional<YamlNode> read_override(const ConfigOverride& given, std::size_t column,
                                        const Source& source) {
    const SchemaKey* key = find_override_key(given.path);
    const bool verbatim =
        key != nullptr && (key->type == ValueType::text || key->type == ValueType::redis_url ||
                           key->type == ValueType::interface_name);
    if (!verbatim) {
      auto node = parse_yaml_value(given.value, column, source, problems_);
      unread_ = unread_ || !node;
      if (node && node->kind == YamlNode::Kind::scalar) {
        node->place = {1, column, std::max<std::size_t>(given.value.size(), 1)};
      }
      if (node && node->kind == YamlNode::Kind::null) node->place = {1, column, 1};
      return node;
    }
    YamlNode node;
    node.kind = YamlNode::Kind::scalar;
    node.place = {1, column, std::max<std::size_t>(given.value.size(), 1)};
    node.text = given.value;
    return node;
  }

  std::deque<Source> sources_;  // problems and origins point to its members
  Problems problems_;
  Config config_;
  Origins origins_;
  bool unread_ = false;  // a file or an option could not be read as YAML
};

}  // namespace

LoadResult load_config(const ConfigSources& sources) {
  Loader loader;
  for (const std::string& file : sources.files) loader.add_file(file);
  for (const ConfigOverride& given : sources.overrides) loader.add_override(given);
  return loader.finish(sources.interfaces_required);
}

LoadResult load_config_text(std::string_view text, std::string_view name,
                            const ConfigSources& more) {
  Loader loader;
  loader.add_text(text, name);
  for (const std::string& file : more.files) loader.add_file(file);
  for (const ConfigOverride& given : more.overrides) loader.add_override(given);
  return loader.finish(more.interfaces_required);
}

std::string to_text(const std::vector<ConfigProblem>& problems) {
  std::string out;
  for (const ConfigProblem& problem : problems) out.append(problem.to_text());
  return out;
}

}  // namespace valinor::app
