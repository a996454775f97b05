#include "base/failure.hpp"

#include <cerrno>
#include <cstring>
#include <string_view>

namespace valinor {
namespace {

/// Appends "  label: " and the text, its further lines indented to the same column.
void append_part(std::string& out, std::string_view label, std::string_view text) {
  if (text.empty()) return;
  out.append("  ").append(label).append(": ");
  for (const char c : text) {
    out.push_back(c);
    if (c == '\n') out.append("        ");
  }
  out.push_back('\n');
}

}  // namespace

std::string Finding::to_text(const char* severity) const {
  std::string out{severity};
  out.append("[").append(code).append("]: ").append(what).append("\n");
  append_part(out, "why ", why);
  append_part(out, "next", next);
  return out;
}

Failure::Failure(ExitStatus exit_status, Finding finding)
    : std::runtime_error{finding.what}, exit_status_{exit_status}, finding_{std::move(finding)} {}

std::string errno_name(int error) {
  const char* name = ::strerrorname_np(error);
  return name != nullptr ? std::string{name} : "errno " + std::to_string(error);
}

std::string describe_errno(int error) {
  return errno_name(error) + ": " + std::generic_category().message(error);
}

void throw_errno(const std::string& doing) {
  throw std::system_error{errno, std::generic_category(), doing};
}

}  // namespace valinor
