// The writing half of config_value.hpp.

#include <fmt/format.h>

#include <string>

#include "app/config_steering.hpp"
#include "app/config_units.hpp"
#include "app/config_value.hpp"

namespace valinor::app {
namespace {

std::string list_text(const SchemaKey& key, const NumberList& numbers) {
  std::string out{"["};
  for (const Number number : numbers) {
    if (out.size() > 1) out.append(", ");
    out.append(member_text(key, number));
  }
  out.push_back(']');
  return out;
}

/// "a, b, c"
std::string words_text(const SchemaKey& key) {
  std::string words;
  for (const std::string_view word : split_choices(key.choices)) {
    words.append(words.empty() ? "" : ", ").append(word);
  }
  return words;
}

/// Between double quotes, with YAML's escapes. Values hold no control characters.
std::string quoted_text(std::string_view text) {
  std::string out{"\""};
  for (const char c : text) {
    if (c == '"' || c == '\\') out.push_back('\\');
    out.push_back(c);
  }
  out.push_back('"');
  return out;
}

/// `url` as YAML takes it without quotes, or quoted.
std::string url_text(const std::string& url) {
  constexpr std::string_view kPlain =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./:?=";
  return url.find_first_not_of(kPlain) == std::string::npos ? url : quoted_text(url);
}

/// " frames", or nothing.
std::string unit_text(const SchemaKey& key) {
  return key.unit.empty() ? std::string{} : fmt::format(" {}", key.unit);
}

std::string range_text(const SchemaKey& key) {
  switch (key.type) {
    case ValueType::size:
      return fmt::format("from {} to {}", format_size(key.min), format_size(key.max));
    case ValueType::duration:
      return fmt::format("from {} to {}{}", format_duration(key.min), format_duration(key.max),
                         key.step > 1 ? " in steps of " + format_duration(key.step) : "");
    default: break;
  }
  if (key.hex) return fmt::format("from {:#x} to {:#x}", key.min, key.max);
  return fmt::format("from {} to {}", key.min, key.max);
}

}  // namespace

std::string member_text(const SchemaKey& key, Number member) {
  if (key.type == ValueType::choice_list) {
    return std::string{split_choices(key.choices).at(member)};
  }
  return key.hex ? fmt::format("{:#x}", member) : std::to_string(member);
}

std::string to_text(const SchemaKey& key, const Value& value) {
  switch (key.type) {
    case ValueType::boolean: return std::get<bool>(value) ? "true" : "false";
    case ValueType::number: {
      const Number number = std::get<Number>(value);
      const bool is_word = number == 0 && !key.choices.empty();
      return is_word ? std::string{key.choices} : std::to_string(number);
    }
    case ValueType::size: return format_size(std::get<Number>(value));
    case ValueType::duration: return format_duration(std::get<Number>(value));
    case ValueType::choice: {
      const auto words = split_choices(key.choices);
      return std::string{words.at(std::get<Number>(value))};
    }
    case ValueType::optional_interface:
      if (std::get<std::string>(value).empty()) return "null";
      [[fallthrough]];
    case ValueType::interface_name:
    case ValueType::text: return quoted_text(std::get<std::string>(value));
    case ValueType::interface_list: {
      std::string out{"["};
      for (const std::string& name : std::get<NameList>(value)) {
        out.append(out.size() > 1 ? ", " : "").append(quoted_text(name));
      }
      return out.append("]");
    }
    case ValueType::id_list: {
      const auto& ids = std::get<NumberList>(value);
      return ids.empty() ? std::string{key.choices} : list_text(key, ids);
    }
    case ValueType::choice_list:
    case ValueType::number_list: return list_text(key, std::get<NumberList>(value));
    case ValueType::steering: return steering_text(std::get<SteeringList>(value));
    case ValueType::dscp: {
      const auto& dscp = std::get<std::optional<wire::DscpMatch>>(value);
      return dscp ? fmt::format("{:#04x}/{:#04x}", dscp->value, dscp->mask) : "null";
    }
    case ValueType::mac: {
      const auto& mac = std::get<std::optional<wire::MacAddress>>(value);
      return mac ? format_mac(*mac) : "null";
    }
    case ValueType::redis_url: return url_text(std::get<exporter::RedisAddress>(value).to_url());
    case ValueType::redis_url_list:
    case ValueType::sentinel_list: {
      std::string out{"["};
      for (const exporter::RedisAddress& server : std::get<RedisList>(value)) {
        out.append(out.size() > 1 ? ", " : "");
        out.append(quoted_text(key.type == ValueType::redis_url_list ? server.to_url()
                                                                     : server.to_host_and_port()));
      }
      return out.append("]");
    }
  }
  return {};
}

std::string wanted(const SchemaKey& key) {
  switch (key.type) {
    case ValueType::boolean: return "true or false";
    case ValueType::number:
      if (key.min == key.max) return std::to_string(key.min);
      return fmt::format("{}{} {}{}", key.choices.empty() ? "" : fmt::format("{} or ", key.choices),
                         key.power_of_two ? "a power of two" : "a whole number", range_text(key),
                         unit_text(key));
    case ValueType::size: return "a size " + range_text(key);
    case ValueType::duration: return "a time " + range_text(key);
    case ValueType::choice: return "one of " + words_text(key);
    case ValueType::choice_list: return "a list of " + words_text(key);
    case ValueType::text: return fmt::format("text of at most {} bytes", key.max);
    case ValueType::mac: return "an address such as 02:00:00:00:00:01, or null";
    case ValueType::optional_interface:
      return "an interface name (at most 15 characters, without '/', ':' and spaces), or null";
    case ValueType::interface_name:
      return "an interface name (at most 15 characters, without '/', ':' and spaces)";
    case ValueType::interface_list:
      return fmt::format(
          "a list of at most {} interface names (at most 15 characters, without '/', ':' and "
          "spaces)",
          key.max_items);
    case ValueType::id_list:
      return fmt::format("{}, or {} up to {} such as 0-3 or [0, 2, 5]", key.choices, key.unit,
                         key.max);
    case ValueType::number_list:
      return fmt::format("a list of at most {} {} {}", key.max_items, key.unit, range_text(key));
    case ValueType::steering:
      return fmt::format(
          "a list of at most {} rules such as {{match: {{proto: udp, dst_port: 5000}}, queues: 2}}",
          key.max_items);
    case ValueType::dscp: return "value/mask such as 0x17/0x3f, or null";
    case ValueType::redis_url: return "a Redis URL such as redis://127.0.0.1:6379/0";
    case ValueType::redis_url_list:
      return fmt::format("a list of at most {} URLs such as [\"redis://10.0.0.2:6379/0\"]",
                         key.max_items);
    case ValueType::sentinel_list:
      return fmt::format("a list of at most {} sentinels such as [\"10.0.0.1:26379\"]",
                         key.max_items);
  }
  return {};
}

}  // namespace valinor::app
