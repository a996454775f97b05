/// Values of options: what the command line may say, how it is described, and what is said where it
/// is wrong.
#pragma once

#include <CLI/CLI.hpp>
#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "app/config_value.hpp"
#include "base/units.hpp"
#include "wire/headers.hpp"

namespace valinor::app {

/// A command line that is wrong; parse_command_line() catches it.
struct Wrong {
  std::string message;
};

/// No NIC sends more than a thousand million a second, and a pattern's sums stay within 64 bits.
inline constexpr Number kMaxPacketRate = 1'000'000'000;

/// An option with its default in the help.
template <class Field>
CLI::Option* add_described(CLI::App& app, const char* name, Field& field, const char* doc,
                           const char* type) {
  return app.add_option(name, field, doc)->type_name(type)->capture_default_str();
}

/// CLI11 by itself takes -1 for a large number, and 010 for eight.
[[nodiscard]] CLI::Validator whole_number(Number min, Number max);

// Each throws Wrong.

/// Of --dst-mac.
[[nodiscard]] wire::MacAddress read_mac(std::string_view text);

/// Of `option`; "10" and "10s" are ten seconds.
[[nodiscard]] std::chrono::nanoseconds read_seconds(const char* option, const std::string& text);

/// Of --queues; empty for all.
[[nodiscard]] std::vector<QueueId> read_queues(const std::string& text);

}  // namespace valinor::app
