/// One line of what `valinor-afxdp doctor` finds.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "nic/setting.hpp"

namespace valinor::doctor {

enum class Level : std::uint8_t {
  ok,
  warning,  // it runs, but slower, later or with less than it could
  failure,  // it does not run, or loses packets
};

struct Diagnosis {
  Level level = Level::ok;
  std::string topic;                     // "queues": one word, stable, for scripts
  std::string text;                      // what was seen, and what it means
  std::string command;                   // what mends it, to copy; empty: nothing to do
  std::optional<nic::Setting> fix = {};  // the same as a setting that can be put back: for --fix
};
using Diagnoses = std::vector<Diagnosis>;

inline Diagnosis ok(std::string topic, std::string text) {
  return {Level::ok, std::move(topic), std::move(text), {}};
}
inline Diagnosis warn(std::string topic, std::string text, std::string command = {}) {
  return {Level::warning, std::move(topic), std::move(text), std::move(command)};
}
inline Diagnosis fail(std::string topic, std::string text, std::string command = {}) {
  return {Level::failure, std::move(topic), std::move(text), std::move(command)};
}

/// A diagnosis that `--fix` can mend on `interface`.
inline Diagnosis fixable(Level level, std::string topic, std::string text,
                         const std::string& interface, nic::Setting fix) {
  std::string command = nic::to_command(interface, fix);
  return {level, std::move(topic), std::move(text), std::move(command), std::move(fix)};
}

}  // namespace valinor::doctor
