#include "app/config_value.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <utility>

#include "app/config_steering.hpp"
#include "app/config_suggest.hpp"
#include "app/config_units.hpp"

namespace valinor::app {
namespace {

constexpr std::size_t kMaxInterfaceName = 15;  // IFNAMSIZ - 1
constexpr std::size_t kMaxUrl = 512;
constexpr std::size_t kMaxIds = 1024;
constexpr std::uint8_t kMaxDscp = 0x3f;

bool has_control(std::string_view text) {
  return std::any_of(text.begin(), text.end(),
                     [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
}

bool is_interface_name(std::string_view name) {
  return !name.empty() && name.size() <= kMaxInterfaceName && name != "." && name != ".." &&
         name.find_first_of("/: ") == std::string_view::npos && !has_control(name);
}

std::string_view kind_name(YamlNode::Kind kind) {
  switch (kind) {
    case YamlNode::Kind::null: return "nothing";
    case YamlNode::Kind::scalar: return "text";
    case YamlNode::Kind::sequence: return "a list";
    case YamlNode::Kind::map: break;
  }
  return "a map";
}

/// One value being read.
class Reader {
 public:
  Reader(const SchemaKey& key, const YamlNode& node, const ValueSite& site)
      : key_{key}, node_{node}, site_{site} {}

  std::optional<Value> read() {
    const bool is_list = key_.type == ValueType::id_list || must_be_list();
    if (is_list && node_.kind == YamlNode::Kind::sequence) return read_list();
    if (key_.type == ValueType::interface_list) return read_names();
    if (key_.type == ValueType::steering) return read_steering(key_, node_, site_);
    if (is_redis_list()) return read_redis_list();
    if (node_.kind == YamlNode::Kind::null) {
      if (key_.type == ValueType::dscp) return Value{std::optional<wire::DscpMatch>{}};
      if (key_.type == ValueType::mac) return Value{std::optional<wire::MacAddress>{}};
      if (key_.type == ValueType::optional_interface) return Value{std::string{}};
    }
    if (node_.kind != YamlNode::Kind::scalar || must_be_list()) {
      const bool is_one =
          node_.kind == YamlNode::Kind::scalar && (is_word() || parse_number(node_.text));
      return wrong("CFG-TYPE-01", std::string{kind_name(node_.kind)},
                   is_one ? fmt::format("write [{}]", node_.text) : std::string{});
    }
    switch (key_.type) {
      case ValueType::boolean: return read_boolean();
      case ValueType::number:
        if (!key_.choices.empty() && node_.text == key_.choices) return Value{Number{0}};
        return read_number(parse_number(node_.text));
      case ValueType::size: return read_number(parse_size(node_.text));
      case ValueType::duration: return read_number(parse_duration(node_.text));
      case ValueType::choice: return read_choice();
      case ValueType::text: return read_text();
      case ValueType::optional_interface:
      case ValueType::interface_name: return read_interface_name();
      case ValueType::mac: return read_mac();
      case ValueType::id_list: return read_ids();
      case ValueType::choice_list:
      case ValueType::number_list:
      case ValueType::interface_list:
      case ValueType::steering:
      case ValueType::redis_url_list:
      case ValueType::sentinel_list: break;
      case ValueType::dscp: return read_dscp();
      case ValueType::redis_url: return read_redis_url();
    }
    return std::nullopt;
  }

 private:
  [[nodiscard]] bool must_be_list() const {
    return key_.type == ValueType::number_list || key_.type == ValueType::choice_list;
  }
  [[nodiscard]] bool is_redis_list() const {
    return key_.type == ValueType::redis_url_list || key_.type == ValueType::sentinel_list;
  }
  [[nodiscard]] bool is_word() const {
    const auto words = split_choices(key_.choices);
    return std::find(words.begin(), words.end(), node_.text) != words.end();
  }

  /// "run.key wants a whole number from 0 to 10, got 'x'"
  std::nullopt_t wrong(std::string_view code, const std::string& got,
                       const std::string& hint = {}) {
    site_.problems.add(code, site_.source, node_.place,
                       fmt::format("{} wants {}, got {}", site_.path, wanted(key_), got), hint);
    return std::nullopt;
  }
  std::nullopt_t wrong_value(const std::string& hint = {}) {
    return wrong("CFG-VALUE-01", in_quotes(node_.text), hint);
  }
  std::nullopt_t wrong_range() { return wrong("CFG-RANGE-01", in_quotes(node_.text)); }

  std::optional<Value> read_boolean() {
    if (node_.text == "true") return Value{true};
    if (node_.text == "false") return Value{false};
    return wrong_value();
  }

  std::optional<Value> read_number(const ParsedNumber& number) {
    if (!number) return number.error().too_large ? wrong_range() : wrong_value(number.error().hint);
    if (*number < key_.min || *number > key_.max) return wrong_range();
    if (key_.power_of_two && !std::has_single_bit(*number)) {
      const Number below = std::bit_floor(*number);
      return wrong("CFG-RANGE-01", in_quotes(node_.text),
                   fmt::format("its neighbours are {} and {}", below, 2 * below));
    }
    if (*number % key_.step != 0) return wrong_range();
    return Value{*number};
  }

  std::optional<Value> read_choice() {
    const auto words = split_choices(key_.choices);
    const auto found = std::find(words.begin(), words.end(), node_.text);
    if (found == words.end()) return wrong_value(did_you_mean(node_.text, words));
    return Value{static_cast<Number>(found - words.begin())};
  }

  std::optional<Value> read_text() {
    if (has_control(node_.text)) return wrong_value();
    if (node_.text.size() > key_.max) return wrong_range();
    return Value{node_.text};
  }

  std::optional<Value> read_interface_name() {
    if (!is_interface_name(node_.text)) return wrong_value();
    return Value{node_.text};
  }

  std::optional<Value> read_mac() {
    const auto mac = parse_mac(node_.text);
    if (!mac) return wrong_value();
    return Value{mac};
  }

  std::optional<Value> read_names() {
    if (node_.kind != YamlNode::Kind::sequence) {
      const bool is_one = node_.kind == YamlNode::Kind::scalar && is_interface_name(node_.text);
      return wrong("CFG-TYPE-01", std::string{kind_name(node_.kind)},
                   is_one ? fmt::format("write [{}]", node_.text) : std::string{});
    }
    if (node_.items.size() > key_.max_items) {
      return wrong("CFG-RANGE-02", fmt::format("{} of them", node_.items.size()));
    }
    NameList names;
    bool good = true;
    for (const YamlNode& item : node_.items) {
      const bool is_name = item.kind == YamlNode::Kind::scalar && is_interface_name(item.text);
      const bool is_new = std::find(names.begin(), names.end(), item.text) == names.end();
      if (is_name && is_new) {
        names.push_back(item.text);
        continue;
      }
      good = false;
      const std::string got = item.kind == YamlNode::Kind::scalar
                                  ? in_quotes(item.text)
                                  : std::string{kind_name(item.kind)};
      site_.problems.add(
          is_name ? "CFG-LIST-01" : "CFG-VALUE-01", site_.source, item.place,
          is_name ? fmt::format("{} lists {} twice", site_.path, got)
                  : fmt::format("{} wants {}, got {} in it", site_.path, wanted(key_), got));
    }
    if (!good) return std::nullopt;
    return Value{std::move(names)};
  }

  std::optional<Value> read_ids() {
    if (node_.text == key_.choices) return Value{NumberList{}};
    if (node_.text.starts_with('-')) return wrong_value();
    const auto ids = parse_id_list(node_.text, key_.max);
    if (!ids) return wrong_value();
    return check_list(*ids, {});
  }

  std::optional<Value> read_list() {
    if (key_.type == ValueType::id_list && node_.items.empty()) {
      return wrong("CFG-VALUE-01", "an empty list");
    }
    NumberList numbers;
    std::vector<Place> places;
    for (const YamlNode& item : node_.items) {
      const std::optional<Number> number = read_member(item);
      if (!number) continue;
      numbers.push_back(*number);
      places.push_back(item.place);
    }
    if (numbers.size() != node_.items.size()) return std::nullopt;
    return check_list(std::move(numbers), places);
  }

  std::optional<Number> read_member(const YamlNode& item) {
    const auto wrong_member = [&](std::string_view code, std::string_view got,
                                  const std::string& hint) {
      site_.problems.add(code, site_.source, item.place,
                         fmt::format("{} wants {}, got {} in it", site_.path, wanted(key_), got),
                         hint);
      return std::nullopt;
    };
    if (item.kind != YamlNode::Kind::scalar) {
      return wrong_member("CFG-TYPE-01", kind_name(item.kind), {});
    }
    if (key_.type == ValueType::choice_list) {
      const auto words = split_choices(key_.choices);
      const auto found = std::find(words.begin(), words.end(), item.text);
      if (found != words.end()) return static_cast<Number>(found - words.begin());
      return wrong_member("CFG-VALUE-01", in_quotes(item.text), did_you_mean(item.text, words));
    }
    const ParsedNumber number = parse_number(item.text);
    if (number && *number >= key_.min && *number <= key_.max) return *number;
    const bool is_number = number || number.error().too_large;
    return wrong_member(is_number ? "CFG-RANGE-01" : "CFG-VALUE-01", in_quotes(item.text),
                        number ? std::string{} : number.error().hint);
  }

  /// Number of members, and each once. `places` is empty if they all stand in one word.
  std::optional<Value> check_list(NumberList numbers, const std::vector<Place>& places) {
    if (numbers.size() > key_.max_items) {
      return wrong("CFG-RANGE-02", fmt::format("{} of them", numbers.size()));
    }
    if (!key_.repeats) {
      for (auto it = numbers.begin(); it != numbers.end(); ++it) {
        if (std::find(numbers.begin(), it, *it) == it) continue;
        const auto index = static_cast<std::size_t>(it - numbers.begin());
        site_.problems.add("CFG-LIST-01", site_.source,
                           places.empty() ? node_.place : places[index],
                           fmt::format("{} lists {} twice", site_.path, member_text(key_, *it)));
        return std::nullopt;
      }
    }
    return Value{std::move(numbers)};
  }

  std::optional<Value> read_dscp() {
    const std::string_view text{node_.text};
    const std::size_t slash = text.find('/');
    const ParsedNumber value = parse_number(text.substr(0, slash));
    const ParsedNumber mask = slash == std::string_view::npos
                                  ? ParsedNumber{Number{kMaxDscp}}
                                  : parse_number(text.substr(slash + 1));
    if (!value || !mask) return wrong_value();
    if (*value > kMaxDscp || *mask > kMaxDscp) return wrong_range();
    if (*mask == 0) return wrong_value("mask 0 means every TCP and UDP packet");
    if ((*value & ~*mask) != 0) return wrong_value("the value has bits that the mask lacks");
    return Value{std::optional{
        wire::DscpMatch{static_cast<std::uint8_t>(*value), static_cast<std::uint8_t>(*mask)}}};
  }

  std::optional<Value> read_redis_url() {
    auto address = read_redis(node_);
    if (!address) return std::nullopt;
    return Value{std::move(*address)};
  }

  /// One server, as the key's type writes it.
  std::optional<exporter::RedisAddress> read_redis(const YamlNode& node) {
    const auto tell = [&](std::string_view code, const std::string& what) {
      site_.problems.add(code, site_.source, node.place, fmt::format("{}: {}", site_.path, what));
      return std::nullopt;
    };
    if (node.kind != YamlNode::Kind::scalar) {
      return tell("CFG-TYPE-01", std::string{kind_name(node.kind)} + " where a server is due");
    }
    if (has_control(node.text) || node.text.size() > kMaxUrl) {
      return tell("CFG-VALUE-01", "something that is no URL");
    }
    auto address = key_.type == ValueType::sentinel_list ? exporter::parse_sentinel(node.text)
                                                         : exporter::parse_redis_url(node.text);
    if (!address) return tell("CFG-VALUE-01", address.error().doing);
    return std::move(*address);
  }

  std::optional<Value> read_redis_list() {
    if (node_.kind != YamlNode::Kind::sequence) {
      return wrong("CFG-TYPE-01", std::string{kind_name(node_.kind)});
    }
    if (node_.items.size() > key_.max_items) {
      return wrong("CFG-RANGE-02", fmt::format("{} of them", node_.items.size()));
    }
    RedisList servers;
    bool good = true;
    for (const YamlNode& item : node_.items) {
      auto server = read_redis(item);
      good = good && server;
      if (!server) continue;
      if (std::find(servers.begin(), servers.end(), *server) != servers.end()) {
        good = false;
        site_.problems.add("CFG-LIST-01", site_.source, item.place,
                           fmt::format("{} lists {} twice", site_.path, in_quotes(item.text)));
      }
      servers.push_back(std::move(*server));
    }
    if (!good) return std::nullopt;
    return Value{std::move(servers)};
  }

  const SchemaKey& key_;
  const YamlNode& node_;
  const ValueSite& site_;
};

}  // namespace

std::optional<Value> read_value(const SchemaKey& key, const YamlNode& node, const ValueSite& site) {
  return Reader{key, node, site}.read();
}

std::optional<NumberList> parse_id_list(std::string_view text, Number max) {
  NumberList ids;
  while (true) {
    const std::size_t comma = std::min(text.find(','), text.size());
    std::string_view part = text.substr(0, comma);
    while (part.starts_with(' ')) part.remove_prefix(1);
    while (part.ends_with(' ')) part.remove_suffix(1);
    const std::size_t dash = part.find('-');
    const ParsedNumber first = parse_number(part.substr(0, dash));
    const ParsedNumber last =
        dash == std::string_view::npos ? first : parse_number(part.substr(dash + 1));
    if (!first || !last || *first > *last || *last > max) return std::nullopt;
    if (ids.size() + (*last - *first) >= 4 * kMaxIds) return std::nullopt;
    for (Number id = *first; id <= *last; ++id) ids.push_back(id);
    if (comma == text.size()) return ids;
    text.remove_prefix(comma + 1);
  }
}

}  // namespace valinor::app
