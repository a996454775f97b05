/// The table of all configuration keys: type, range, unit, default, doc, and where each lands in
/// Config. The loader, `check --print-effective` and the test of conf/nic.yaml read this table.
///
/// To add a key: one row in schema.cpp, one paragraph in conf/nic.yaml.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "app/config.hpp"

namespace valinor::app {

/// What may be written; each has its reader in config_value.cpp.
enum class ValueType : std::uint8_t {
  boolean,
  number,       // whole; decimal or 0x
  size,         // 64KiB, or bytes
  duration,     // 5ms
  choice,       // one word of `choices`
  choice_list,  // some of its words
  text,
  interface_name,      // as the kernel allows it
  optional_interface,  // ... or null, which is empty
  interface_list,      // of such names
  mac,                 // 02:00:00:00:00:01, or null
  id_list,             // `choices` is the one word that stands for "all of them" or "you choose"
  number_list,
  dscp,      // value/mask, or null
  steering,  // list of {match: {...}, queues: N}
  redis_url,
  redis_url_list,
  sentinel_list,  // host:port
};

using Number = std::uint64_t;
using NumberList = std::vector<Number>;
using NameList = std::vector<std::string>;
using SteeringList = std::vector<nic::SteeringConfig>;
using RedisList = std::vector<exporter::RedisAddress>;

/// A value as the table carries it: choices are places in the list of words, durations are
/// nanoseconds, sizes bytes; an empty id_list is its word.
using Value = std::variant<bool, Number, std::string, NumberList, NameList, SteeringList,
                           std::optional<wire::DscpMatch>, std::optional<wire::MacAddress>,
                           exporter::RedisAddress, RedisList>;

struct SchemaKey {
  std::string_view path;  // "interfaces[].umem.frames"
  ValueType type;
  std::string_view default_text;  // as in conf/nic.yaml; empty: required
  std::string_view doc;           // one line
  std::string_view unit = {};     // what a number counts: "frames"
  Number min = 0;                 // of numbers, durations, sizes, and of list members
  Number max = 0;
  Number step = 1;            // the value is a multiple of it
  std::size_t max_items = 0;  // of lists
  bool power_of_two = false;
  bool hex = false;               // numbers are printed as 0x1212
  bool repeats = false;           // a list may name one member twice
  std::string_view choices = {};  // "auto|zerocopy|copy|skb"; of a number: a word for 0

  /// `interface` is an index into Config::interfaces, for paths under interfaces[].
  void (*land)(Config& config, std::size_t interface, const Value& value) = nullptr;
  Value (*get)(const Config& config, std::size_t interface) = nullptr;

  [[nodiscard]] bool required() const noexcept { return default_text.empty(); }
};

/// All rows, in the order of conf/nic.yaml.
[[nodiscard]] std::span<const SchemaKey> schema();

/// The row of a path, or null.
[[nodiscard]] const SchemaKey* find_key(std::string_view path);

/// Whether rows stand below this path: "run", "interfaces[]". The root is "".
[[nodiscard]] bool is_section(std::string_view path);

/// Whether this is a list of maps: "interfaces".
[[nodiscard]] bool is_list_of_maps(std::string_view path);

/// Names directly below a section.
[[nodiscard]] std::vector<std::string_view> names_below(std::string_view section);

/// "run" and "key": "run.key".
[[nodiscard]] std::string join_path(std::string_view section, std::string_view name);

/// Words of "a|b|c".
[[nodiscard]] std::vector<std::string_view> split_choices(std::string_view choices);

inline constexpr std::size_t kMaxInterfaces = 64;

}  // namespace valinor::app
