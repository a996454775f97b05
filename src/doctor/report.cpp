#include "doctor/report.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

namespace valinor::doctor {
namespace {

using nlohmann::json;

template <class Is>
std::size_t count_if(const Report& report, Is is) {
  std::size_t count = 0;
  for (const Section& section : report.sections) {
    count += static_cast<std::size_t>(
        std::count_if(section.diagnoses.begin(), section.diagnoses.end(), is));
  }
  return count;
}

const char* to_word(Level level) {
  switch (level) {
    case Level::ok: return "ok";
    case Level::warning: return "warn";
    case Level::failure: return "FAIL";
  }
  return "?";
}

std::string plural(std::size_t count, const char* word) {
  return fmt::format("{} {}{}", count, word, count == 1 ? "" : "s");
}

}  // namespace

std::size_t Report::count(Level level) const {
  return count_if(*this, [level](const Diagnosis& one) { return one.level == level; });
}

std::size_t Report::fixes() const {
  return count_if(*this, [](const Diagnosis& one) { return one.fix.has_value(); });
}

std::string to_text(const Report& report) {
  std::string text;
  for (const Section& section : report.sections) {
    text += section.name + "\n";
    for (const Diagnosis& one : section.diagnoses) {
      text += fmt::format(" {:<4}  {:<11} {}\n", to_word(one.level), one.topic, one.text);
      if (one.command.empty()) continue;
      text += fmt::format("{:19}{}: {}\n", "", one.fix ? "fix " : "next", one.command);
    }
  }
  text += fmt::format("{}, {}.", plural(report.count(Level::failure), "problem"),
                      plural(report.count(Level::warning), "warning"));
  if (const std::size_t fixes = report.fixes(); fixes != 0) {
    text += fmt::format(
        "  `doctor --fix` would run {} marked 'fix'; `doctor --undo` and a reboot put things back.",
        fixes == 1 ? "the command" : fmt::format("the {} commands", fixes));
  }
  return text + "\n";
}

std::string to_json_text(const Report& report) {
  json sections = json::array();
  for (const Section& section : report.sections) {
    json findings = json::array();
    for (const Diagnosis& one : section.diagnoses) {
      findings.push_back({{"level", one.level == Level::failure ? "fail" : to_word(one.level)},
                          {"topic", one.topic},
                          {"text", one.text},
                          {"command", one.command},
                          {"fixable", one.fix.has_value()}});
    }
    sections.push_back({{"name", section.name}, {"findings", std::move(findings)}});
  }
  const json whole{{"version", 1},
                   {"sections", std::move(sections)},
                   {"problems", report.count(Level::failure)},
                   {"warnings", report.count(Level::warning)}};
  return whole.dump(2) + "\n";
}

}  // namespace valinor::doctor
