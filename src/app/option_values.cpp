#include "app/option_values.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "app/config_units.hpp"

namespace valinor::app {

CLI::Validator whole_number(Number min, Number max) {
  const auto check = [min, max](std::string& text) {
    const ParsedNumber number = parse_number(text);
    if (!number || *number < min || *number > max) {
      return fmt::format("wants a whole number from {} to {}, got {}", min, max, in_quotes(text));
    }
    text = std::to_string(*number);
    return std::string{};
  };
  return CLI::Validator{check, ""};
}

wire::MacAddress read_mac(std::string_view text) {
  if (const auto mac = parse_mac(text)) return *mac;
  throw Wrong{"--dst-mac wants an address such as 02:00:00:00:00:02, got " + in_quotes(text)};
}

std::chrono::nanoseconds read_seconds(const char* option, const std::string& text) {
  ParsedNumber time = parse_duration(text);
  if (parse_number(text)) time = parse_duration(text + "s");
  constexpr Number kMost = 365ULL * 86400 * 1'000'000'000;
  if (!time || *time > kMost) {
    throw Wrong{
        fmt::format("{} wants a time such as 10, 10s or 500ms, got {}", option, in_quotes(text))};
  }
  return std::chrono::nanoseconds{static_cast<std::int64_t>(*time)};
}

std::vector<QueueId> read_queues(const std::string& text) {
  std::vector<QueueId> queues;
  if (text == "all") return queues;
  const auto ids = parse_id_list(text, 1023);
  if (!ids) {
    throw Wrong{"--queues wants all, a range such as 0-3 or a list such as 0,2, got " +
                in_quotes(text)};
  }
  for (const Number id : *ids) {
    const QueueId queue{static_cast<std::uint32_t>(id)};
    if (std::find(queues.begin(), queues.end(), queue) != queues.end()) {
      throw Wrong{fmt::format("--queues lists {} twice", id)};
    }
    queues.push_back(queue);
  }
  return queues;
}

}  // namespace valinor::app
