#include "app/yaml_tree.hpp"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <sstream>
#include <utility>

namespace valinor::app {
namespace {

/// Maps and lists within each other. The schema needs 4.
constexpr std::size_t kMaxDepth = 16;

/// Brackets that are open at once, found before parsing: yaml-cpp looks far ahead.
constexpr std::size_t kMaxOpenBrackets = 64;

/// Ends the parsing from inside of yaml-cpp's callbacks; parse() catches it.
struct Refused {
  std::string_view code;
  YAML::Mark mark;
  std::string message;
};

Place to_place(const YAML::Mark& mark) {
  if (mark.line < 0 || mark.column < 0) return {1, 1, 0};
  return {static_cast<std::size_t>(mark.line) + 1, static_cast<std::size_t>(mark.column) + 1, 0};
}

class TreeBuilder final : public YAML::EventHandler {
 public:
  YamlNode root;

  void OnDocumentStart(const YAML::Mark& mark) override {
    if (documents_++ != 0) {
      throw Refused{"CFG-YAML-03", mark, "a second document; a configuration file holds one"};
    }
  }
  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t) override { put(make(mark, Kind::null)); }

  void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override { refuse_alias(mark); }
  void OnAnchor(const YAML::Mark& mark, const std::string&) override { refuse_alias(mark); }

  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t,
                const std::string& value) override {
    refuse_tag(mark, tag);
    YamlNode node = make(mark, Kind::scalar);
    node.text = value;
    put(std::move(node));
  }

  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t,
                       YAML::EmitterStyle::value) override {
    refuse_tag(mark, tag);
    open(make(mark, Kind::sequence), mark);
  }
  void OnSequenceEnd() override { close(); }

  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t,
                  YAML::EmitterStyle::value) override {
    refuse_tag(mark, tag);
    open(make(mark, Kind::map), mark);
  }
  void OnMapEnd() override { close(); }

 private:
  using Kind = YamlNode::Kind;

  /// A list or map that is being read.
  struct Open {
    YamlNode node;
    bool has_key = false;  // of a map: the next node is a value
  };

  static YamlNode make(const YAML::Mark& mark, Kind kind) {
    YamlNode node;
    node.kind = kind;
    node.place = to_place(mark);
    return node;
  }

  [[noreturn]] static void refuse_alias(const YAML::Mark& mark) {
    throw Refused{"CFG-YAML-03", mark, "anchors and aliases are not read; write the value out"};
  }

  static void refuse_tag(const YAML::Mark& mark, const std::string& tag) {
    if (tag.empty() || tag == "?" || tag == "!") return;
    throw Refused{"CFG-YAML-03", mark, "tags such as !!str are not read; leave the tag out"};
  }

  void refuse_key(const YamlNode& key) const {
    const YAML::Mark mark = mark_of(key.place);
    if (key.kind != Kind::scalar) throw Refused{"CFG-YAML-01", mark, "a key must be a plain word"};
    if (key.text == "<<") {
      throw Refused{"CFG-YAML-03", mark, "merge keys (<<) are not read; write the values out"};
    }
  }

  static YAML::Mark mark_of(const Place& place) {
    YAML::Mark mark;
    mark.line = static_cast<int>(place.line) - 1;
    mark.column = static_cast<int>(place.column) - 1;
    return mark;
  }

  void open(YamlNode node, const YAML::Mark& mark) {
    if (open_.size() >= kMaxDepth) {
      throw Refused{"CFG-YAML-02", mark, "nested too deeply; a configuration needs 4 levels"};
    }
    open_.push_back({std::move(node), false});
  }

  void close() {
    YamlNode done = std::move(open_.back().node);
    open_.pop_back();
    put(std::move(done));
  }

  void put(YamlNode node) {
    if (open_.empty()) {
      root = std::move(node);
      return;
    }
    Open& parent = open_.back();
    if (parent.node.kind == Kind::sequence) {
      parent.node.items.push_back(std::move(node));
    } else if (!parent.has_key) {
      refuse_key(node);
      parent.node.entries.push_back({std::move(node.text), node.place, {}});
      parent.has_key = true;
    } else {
      parent.node.entries.back().value = std::move(node);
      parent.has_key = false;
    }
  }

  std::vector<Open> open_;
  int documents_ = 0;
};

/// The first bracket that is deeper than kMaxOpenBrackets. Brackets in quotes and comments count
/// too: a configuration has none, and an estimate that is too high does no harm.
std::optional<Place> too_many_brackets(std::string_view text) {
  std::size_t open = 0;
  Place place{1, 1, 1};
  for (const char c : text) {
    if ((c == '[' || c == '{') && ++open > kMaxOpenBrackets) return place;
    if ((c == ']' || c == '}') && open > 0) --open;
    ++place.column;
    if (c == '\n') place = {place.line + 1, 1, 1};
  }
  return std::nullopt;
}

std::optional<YamlNode> parse(std::string_view text, std::size_t shift, const Source& source,
                              Problems& problems) {
  const auto shifted = [shift](Place place) {
    if (place.line == 1) place.column += shift;
    return place;
  };
  if (const auto place = too_many_brackets(text)) {
    problems.add("CFG-YAML-02", source, shifted(*place), "too many open brackets");
    return std::nullopt;
  }
  TreeBuilder builder;
  try {
    std::istringstream in{std::string{text}};
    YAML::Parser parser{in};
    while (parser.HandleNextDocument(builder)) {
    }
    return std::move(builder.root);
  } catch (const Refused& refused) {
    problems.add(refused.code, source, shifted(to_place(refused.mark)), refused.message);
  } catch (const YAML::Exception& error) {
    problems.add("CFG-YAML-01", source, shifted(to_place(error.mark)), "not YAML: " + error.msg);
  }
  return std::nullopt;
}

void shift_places(YamlNode& node, std::size_t shift) {
  if (node.place.line == 1) node.place.column += shift;
  for (YamlNode& item : node.items) shift_places(item, shift);
  for (YamlEntry& entry : node.entries) {
    if (entry.place.line == 1) entry.place.column += shift;
    shift_places(entry.value, shift);
  }
}

}  // namespace

std::optional<YamlNode> parse_yaml(const Source& source, Problems& problems) {
  return parse(source.text, 0, source, problems);
}

std::optional<YamlNode> parse_yaml_value(std::string_view text, std::size_t column,
                                         const Source& source, Problems& problems) {
  std::optional<YamlNode> node = parse(text, column - 1, source, problems);
  if (node) shift_places(*node, column - 1);
  return node;
}

}  // namespace valinor::app
