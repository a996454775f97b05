/// Reads one value by its row of the schema, and writes it back.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "app/config_problem.hpp"
#include "app/schema.hpp"
#include "app/yaml_tree.hpp"

namespace valinor::app {

/// Where a value stands, for messages.
struct ValueSite {
  std::string_view path;  // "interfaces[0].queues"
  const Source& source;
  Problems& problems;
};

/// Nothing: told to site.problems, each wrong member of a list by itself.
[[nodiscard]] std::optional<Value> read_value(const SchemaKey& key, const YamlNode& node,
                                              const ValueSite& site);

/// As it would be written in a file.
[[nodiscard]] std::string to_text(const SchemaKey& key, const Value& value);

/// One member of a list, as it would be written.
[[nodiscard]] std::string member_text(const SchemaKey& key, Number member);

/// What a key wants, for messages: "a power of two from 64 to 65536 entries".
[[nodiscard]] std::string wanted(const SchemaKey& key);

/// "0-3" or "0,2,5-7", each at most `max`; nothing: it is not of this form.
[[nodiscard]] std::optional<NumberList> parse_id_list(std::string_view text, Number max);

}  // namespace valinor::app
